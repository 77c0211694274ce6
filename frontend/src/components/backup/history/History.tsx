/** All jobs, narrowed down as the address says. */

import { Button, Center, Group, Stack, Text, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";

import { useApi } from "../../../api/context";
import { jobPagesQuery } from "../../../api/queries";
import { t } from "../../../i18n";
import { Empty, Failure, Loading } from "../common/states";
import { FilterBar } from "./FilterBar";
import { isNarrowed, queryOf, withFilter } from "./filters";
import { JobList } from "./JobList";

const USUAL_ORDER = "-queued_at";

export default function History() {
  const [params, setParams] = useSearchParams();
  const change = (changed: URLSearchParams) => setParams(changed, { replace: true });
  return (
    <Stack>
      <div>
        <Title order={2}>{t("history.title")}</Title>
        <Text c="dimmed">{t("history.intro")}</Text>
      </div>
      <FilterBar params={params} onChange={change} />
      <Jobs params={params} onOrder={(order) => change(withFilter(params, "order", [order]))} />
    </Stack>
  );
}

function Jobs({ params, onOrder }: { params: URLSearchParams; onOrder: (order: string) => void }) {
  const pages = useInfiniteQuery(jobPagesQuery(useApi(), queryOf(params)));
  if (pages.data === undefined) {
    return pages.error ? <Failure error={pages.error} onRetry={() => void pages.refetch()} /> : <Loading />;
  }
  const jobs = pages.data.pages.flatMap((page) => page.results);
  const order = params.get("order") ?? USUAL_ORDER;
  const byTime = order === USUAL_ORDER;
  return (
    <Stack gap="sm" aria-busy={pages.isFetching} style={{ opacity: pages.isPlaceholderData ? 0.6 : 1 }}>
      {pages.error && <Failure error={pages.error} onRetry={() => void pages.refetch()} />}
      {pages.hasPreviousPage && (
        <Center>
          <Button
            variant="default"
            loading={pages.isFetchingPreviousPage}
            onClick={() => void pages.fetchPreviousPage()}
          >
            {t(byTime ? "history.newer" : "history.listPrevious")}
          </Button>
        </Center>
      )}
      {jobs.length === 0 ? <None narrowed={isNarrowed(params)} /> : <JobList jobs={jobs} order={order} onOrder={onOrder} />}
      <Group justify="center">
        {pages.hasNextPage && (
          <Button variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t(byTime ? "history.older" : "history.listNext")}
          </Button>
        )}
        <Text size="sm" c="dimmed" role="status">
          {jobs.length > 0 && t("history.shown", { count: jobs.length })}
          {jobs.length > 0 && !pages.hasNextPage && ` ${t("history.end")}`}
        </Text>
      </Group>
    </Stack>
  );
}

function None({ narrowed }: { narrowed: boolean }) {
  return (
    <Empty title={t(narrowed ? "history.noneTitle" : "history.emptyTitle")}>
      <Text c="dimmed">{t(narrowed ? "history.noneText" : "history.emptyText")}</Text>
    </Empty>
  );
}
