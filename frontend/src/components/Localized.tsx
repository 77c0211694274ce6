/** Draws its children in the language of the user, and again from the start when the language or the clock changes. */

import { type ReactNode, useEffect, useState } from "react";

import { browserLanguage, currentLanguage, selectLanguage } from "../i18n";
import { focusElement } from "./Dialog";
import { usePreferences } from "./preferences";

interface LocalizedProps {
  /** A language for all users of this page. Without one, each user chooses. */
  language?: string | undefined;
  children: ReactNode;
}

/** The id of the element that leads to the display settings. It takes the focus when everything was drawn again. */
export const DISPLAY_ID = "display";

export function Localized({ language, children }: LocalizedProps) {
  const { language: preferred, clock } = usePreferences();
  const wanted = language ?? (preferred || browserLanguage());
  const [shown, setShown] = useState(currentLanguage());
  useEffect(() => {
    let isCurrent = true;
    const show = () => isCurrent && setShown(wanted);
    // A page in English is better than none.
    selectLanguage(wanted).then(show, show);
    return () => {
      isCurrent = false;
    };
  }, [wanted]);
  const spoken = `${shown}-${clock}`;
  const [drawn, setDrawn] = useState(spoken);
  useEffect(() => {
    if (drawn !== spoken) {
      setDrawn(spoken);
      focusElement(DISPLAY_ID);
    }
  }, [drawn, spoken]);
  // The words of a page are chosen while it is drawn, so it waits for them.
  return (
    shown === wanted && (
      <div lang={currentLanguage()} style={{ display: "contents" }} key={spoken}>
        {children}
      </div>
    )
  );
}
