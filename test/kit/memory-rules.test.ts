import { ruleStoreContract } from '#shared/stores/rules/contract-suite.ts';
import { MemoryRuleStore } from './memory-rules.ts';

ruleStoreContract('memory', async () => new MemoryRuleStore());
