/** A name such as `production_daily_full`, which is broken between its words where it does not fit into a line. */

import { Fragment } from "react";

export function BreakableName({ text }: { text: string }) {
  return text.split(/(?<=[_.-])(?=[^_.-])/).map((part, index) => (
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
