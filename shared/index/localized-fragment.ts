import { type ElementPlans, elements } from './xml/index.ts';

/** The wanted part of a localized fragment (l/ or localized/). One object serves all fragments, one after the other. */
export interface LocalizedFacts {
  title: string;
}

/** The title; the language, descriptions and notes are of no account here. */
export const localizedFacts: ElementPlans<LocalizedFacts> = elements<LocalizedFacts>({
  LocalizedProperties: {
    children: elements<LocalizedFacts>({
      Title: {
        text: (facts, text) => {
          facts.title = text.trim();
        },
      },
    }),
  },
});
