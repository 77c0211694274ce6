/** The page of one job: result, reason and actions. Below `files` it shows the files of the backup. */

import { Anchor, Grid, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, useLocation, useParams } from "react-router";

import type { Schemas } from "../../../api/client";
import { useApi } from "../../../api/ApiProvider";
import { jobQuery } from "../../../api/queries";
import { label, t } from "../../../i18n";
import { JobStatusBadge, TrustBadge } from "../../../components/badges";
import { Loaded, Loading } from "../../../components/states";
import { JobActions } from "./JobActions";
import { JobFacts } from "./JobFacts";
import { JobLog } from "./JobLog";
import { JobManifest } from "./JobManifest";
import { JobOutcome } from "./JobOutcome";
import { JobProblems } from "./JobProblems";
import type { FromList } from "./JobSummary";
import { JobTrust } from "./JobTrust";
import { JobOperations } from "./JobOperations";

const JobFiles = lazy(() => import("./JobFiles"));

export default function JobPage() {
  const { uuid = "", "*": below = "" } = useParams();
  const query = useQuery(jobQuery(useApi(), uuid));
  return (
    <Loaded query={query}>
      {(job) =>
        below === "files" ? (
          <Suspense fallback={<Loading />}>
            <JobFiles job={job} />
          </Suspense>
        ) : (
          <Job job={job} />
        )
      }
    </Loaded>
  );
}

function Job({ job }: { job: Schemas["JobDetail"] }) {
  const unfinished = job.status === "PENDING" || job.status === "RUNNING";
  return (
    <Stack>
      <Heading job={job} />
      <JobOutcome job={job} />
      <JobActions job={job} />
      <JobOperations job={job.uuid} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack>
            <JobFacts job={job} />
            <JobProblems job={job} />
            <JobManifest manifest={job.manifest} gone={job.removal_started_at !== null} unfinished={unfinished} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack>
            <JobTrust job={job} />
            <JobLog job={job} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Stack>
  );
}

function Heading({ job }: { job: Schemas["JobDetail"] }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const from = useLocation().state as FromList | null;
  useEffect(() => {
    // The page was just opened, or the focused button disappeared with the backup.
    if (document.activeElement === document.body) {
      heading.current?.focus({ preventScroll: true });
    }
  }, [job.uuid, job.has_backup, job.status]);
  return (
    <div>
      <Anchor component={Link} to={`../history${from?.list ?? ""}`} state={{ back: true }} size="sm">
        ← {t("history.page.back")}
      </Anchor>
      <Title order={2} ref={heading} tabIndex={-1} style={{ overflowWrap: "anywhere", outline: "none" }}>
        {job.job_name}
      </Title>
      <Group gap="xs" mt={4}>
        <JobStatusBadge job={job} />
        {job.trust && job.has_backup && <TrustBadge job={job} />}
        <Text size="sm" c="dimmed">
          {label("backupType", job.backup_type)}
          {job.configuration_name && " · "}
          {job.configuration && job.configuration_name ? (
            <Anchor component={Link} to={`../configurations/${job.configuration}`} inherit>
              {job.configuration_name}
            </Anchor>
          ) : (
            job.configuration_name
          )}
        </Text>
      </Group>
    </div>
  );
}
