import { Title } from "@mantine/core";

import { t } from "../../../i18n";

export default function Overview() {
  return <Title order={2}>{t("overview.title")}</Title>;
}
