import { Title } from "@mantine/core";

import { t } from "../../../i18n";

export default function Restore() {
  return <Title order={2}>{t("restore.title")}</Title>;
}
