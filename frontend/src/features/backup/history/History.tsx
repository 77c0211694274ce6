/** The history: all jobs that match the filters of the address. */

import { Button, Stack, Text, Title } from "@mantine/core";
import { useRef } from "react";
import { Link, useSearchParams } from "react-router";

import { t } from "../../../i18n";
import { EmptyState, ErrorAlert, LoadingOrError } from "../../../components/states";
import { JobFilters } from "./JobFilters";
import { hasFilters, queryOf, withFilter } from "./jobFilterParams";
import classes from "./History.module.css";
import { JobList } from "./JobList";
import { useJobList } from "./useJobList";

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
      <JobFilters params={params} onChange={change} />
      <Jobs params={params} onOrder={(order) => change(withFilter(params, "order", [order]))} />
    </Stack>
  );
}

function Jobs({ params, onOrder }: { params: URLSearchParams; onOrder: (order: string) => void }) {
  const { query, jobs, isPreviousList, hasMore, error, retry, setView } = useJobList(queryOf(params));
  const place = useRef<HTMLDivElement>(null);
  const reorder = (wanted: string) => {
    onOrder(wanted);
    if (place.current && place.current.getBoundingClientRect().top < 0) {
      // A new order starts at the top of the list.
      place.current.scrollIntoView();
    }
  };
  const order = params.get("order") ?? USUAL_ORDER;
  if (jobs === undefined) {
    return <LoadingOrError query={query} />;
  }
  return (
    <div ref={place} aria-busy={isPreviousList} className={classes["jobs"]}>
      <Text size="sm" c="dimmed" role="status" mb="xs">
        {isPreviousList
          ? t("common.loading")
          : jobs.length > 0 && t(hasMore ? "history.shown" : "history.all", { count: jobs.length })}
      </Text>
      {jobs.length > 0 ? (
        <JobList jobs={jobs} isComplete={!hasMore} order={order} onOrder={reorder} onView={setView} />
      ) : (
        <NoJobs filtered={hasFilters(params)} />
      )}
      {error && <ErrorAlert error={error} onRetry={retry} />}
    </div>
  );
}

function NoJobs({ filtered }: { filtered: boolean }) {
  return (
    <EmptyState title={t(filtered ? "history.noneTitle" : "history.emptyTitle")}>
      <Text c="dimmed">{t(filtered ? "history.noneText" : "history.emptyText")}</Text>
      {!filtered && (
        <Button component={Link} to="../configurations" variant="default">
          {t("overview.freshness.toConfigurations")}
        </Button>
      )}
    </EmptyState>
  );
}
