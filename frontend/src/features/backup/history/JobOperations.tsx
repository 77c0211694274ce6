/** Verifications and deletions of a backup, with their progress and results. */

import { useQuery } from "@tanstack/react-query";

import { useApi } from "../../../api/ApiProvider";
import { jobOperationsQuery } from "../../../api/queries";
import { Section } from "../../../components/Section";
import { ErrorAlert } from "../../../components/states";
import { t } from "../../../i18n";
import { OperationList } from "../operations/OperationItem";

const KINDS: ReadonlySet<string> = new Set(["VERIFY", "REMOVE"]);

export function JobOperations({ job }: { job: string }) {
  const query = useQuery(jobOperationsQuery(useApi(), job));
  const found = query.data?.results.filter((one) => KINDS.has(one.kind)) ?? [];
  if (query.error) {
    return <ErrorAlert error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (found.length === 0) {
    return null;
  }
  return (
    <Section title={t("history.operations.title")}>
      <OperationList operations={found} />
    </Section>
  );
}
