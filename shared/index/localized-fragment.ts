import { copied } from './values.ts';
import { type ElementPlans, elements } from './xml.ts';

/** The wanted part of a localized fragment (l/ or localized/). */
export interface LocalizedFacts {
  title: string | undefined;
}

export const localizedFragment: ElementPlans<LocalizedFacts> = elements<LocalizedFacts>({
  LocalizedProperties: {
    children: elements<LocalizedFacts>({
      Title: {
        text: (facts, text) => {
          facts.title = copied(text.trim());
        },
      },
    }),
  },
});
