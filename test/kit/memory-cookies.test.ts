import { cookieIssuerContract } from '#shared/stores/cookies/contract-suite.ts';
import { MemoryCookieIssuer } from './memory-cookies.ts';

cookieIssuerContract('memory', async () => new MemoryCookieIssuer());
