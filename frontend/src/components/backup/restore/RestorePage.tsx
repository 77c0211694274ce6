import { Title } from "@mantine/core";

import { t } from "../../../i18n";

export default function RestorePage() {
  return <Title order={2}>{t("restore.title")}</Title>;
}
