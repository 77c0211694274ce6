import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { type Progress, withFile } from "../../api/fileUpload";

type WithFile = ReturnType<typeof withFile>;

/** A file on its way: `call` makes the request with what it is given. Whoever stops it, or leaves, ends the request. */
export function useFileUpload<Given extends { file: File }, Made>(
  call: (given: Given, file: WithFile) => Promise<Made>,
  onSuccess: (made: Made) => unknown,
) {
  const [progress, setProgress] = useState<Progress | null>(null);
  const stopping = useRef<AbortController | null>(null);
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: (given: Given) => {
      stopping.current = new AbortController();
      setProgress(null);
      return call(given, withFile(given.file, setProgress, stopping.current.signal));
    },
    onSuccess,
  });
  useEffect(() => () => stopping.current?.abort(), []);
  const stop = () => {
    stopping.current?.abort();
    reset();
  };
  return { send: mutate, pending: isPending, error, progress: isPending ? progress : null, stop };
}
