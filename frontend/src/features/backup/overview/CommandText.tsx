/** The server's words, with the commands in them as such. */

import { Code } from "@mantine/core";

export function CommandText({ text }: { text: string }) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <Code key={index}>{part}</Code> : part));
}
