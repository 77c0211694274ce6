/** Text of the server, with its commands set as code. */

import { Code } from "@mantine/core";

export function CommandText({ text }: { text: string }) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <Code key={index}>{part}</Code> : part));
}
