import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { type Progress, withFile } from "../../api/fileUpload";

type WithFile = ReturnType<typeof withFile>;

/** Upload a file with `call`. `stop`, or leaving the page, aborts the request. */
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
