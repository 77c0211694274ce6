/** A search field for a list whose filters stand in the address. */

import { TextInput, type TextInputProps } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";

const DEBOUNCE_MS = 250;
const MAX_LENGTH = 100;

interface SearchFieldProps extends Pick<TextInputProps, "placeholder" | "maw"> {
  label: string;
  /** The text of the search that is shown now. */
  value: string;
  /** Called with the new text after a pause in typing. */
  onChange: (text: string) => void;
}

export function SearchField({ value, onChange, ...rest }: SearchFieldProps) {
  const [text, setText] = useState(value);
  const reported = useRef(value);
  const report = useDebouncedCallback((typed: string) => {
    reported.current = typed;
    onChange(typed);
  }, DEBOUNCE_MS);
  useEffect(() => {
    // The search changed from outside: the user went back, or cleared the filters.
    if (value !== reported.current) {
      reported.current = value;
      report.cancel();
      setText(value);
    }
  }, [value, report]);
  return (
    <TextInput
      {...rest}
      type="search"
      flex="1 1 14rem"
      maxLength={MAX_LENGTH}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        report(event.currentTarget.value);
      }}
    />
  );
}
