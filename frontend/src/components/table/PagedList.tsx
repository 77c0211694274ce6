import { Center } from "@mantine/core";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ActionButton } from "../ActionButton";
import { t } from "../../i18n";
import { Loaded } from "../states";

interface PagedListProps<Row> {
  query: UseInfiniteQueryResult<InfiniteData<{ results: Row[] }>>;
  /** Shown when there are no rows. */
  empty: ReactNode;
  /** Draws the rows of all pages that are loaded. */
  children: (rows: Row[]) => ReactNode;
}

/**
 * The rows of a list that comes in pages, with its loading, error and empty states and the button for the next page.
 */
export function PagedList<Row>({ query, empty, children }: PagedListProps<Row>) {
  return (
    <>
      <Loaded query={query}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.results);
          return rows.length === 0 ? empty : children(rows);
        }}
      </Loaded>
      {query.hasNextPage && (
        <Center mt="md">
          <ActionButton variant="default" pending={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("common.more")}
          </ActionButton>
        </Center>
      )}
    </>
  );
}
