export type { Attributes, ByteRange } from './attributes.ts';
export { type Answer, type ElementPlan, type ElementPlans, elements, type TreePlan } from './plan.ts';
export { type DocumentKind, type DocumentSink, type XmlDocument, XmlReader } from './reader.ts';
