export type { Attributes, ByteRange } from './attributes.ts';
export { type ElementPlan, type ElementPlans, elements } from './plan.ts';
export { type DocumentKind, type DocumentSink, XmlReader } from './reader.ts';
