/** The button that backs up the whole system now, or the way to the configurations if none does that. */

import { Button } from "@mantine/core";
import { Link } from "react-router";

import { ActionButton } from "../../../components/ActionButton";
import { t } from "../../../i18n";
import { useRunNow } from "../configurations/mutations";
import type { Configuration } from "../configurations/formValues";
import { useConsolePath } from "../consolePath";
import { Allowed } from "../permissions";

export function BackUpNow({ configuration }: { configuration: Configuration | undefined }) {
  const base = useConsolePath();
  return (
    <Allowed to="run_backups">
      {configuration ? (
        <RunButton configuration={configuration} />
      ) : (
        <Button component={Link} to={`${base}/configurations`} style={{ alignSelf: "flex-start" }}>
          {t("overview.protection.first")}
        </Button>
      )}
    </Allowed>
  );
}

function RunButton({ configuration }: { configuration: Configuration }) {
  const run = useRunNow(configuration);
  return (
    <ActionButton
      pending={run.isPending}
      onClick={() => run.mutate()}
      title={t("overview.firstSteps.runs", { name: configuration.name })}
      style={{ alignSelf: "flex-start" }}
    >
      {t("overview.protection.backUpNow")}
    </ActionButton>
  );
}
