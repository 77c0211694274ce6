import { useSearchParams } from "react-router";

/** The filters of a list as the address has them, and a function that sets one; an empty value removes it. */
export function useUrlFilters() {
  const [params, setParams] = useSearchParams();
  const setFilter = (name: string, value: string | null) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        if (value) {
          after.set(name, value);
        } else {
          after.delete(name);
        }
        return after;
      },
      { replace: true },
    );
  return { params, setFilter } as const;
}
