/** A name such as `production_daily_full` that may wrap between its words. */

import { Fragment } from "react";

export function BreakableName({ text }: { text: string }) {
  return text.split(/(?<=[_.-])(?=[^_.-])/).map((part, index) => (
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
