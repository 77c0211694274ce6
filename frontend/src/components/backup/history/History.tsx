import { Title } from "@mantine/core";

import { t } from "../../../i18n";

export default function History() {
  return <Title order={2}>{t("history.title")}</Title>;
}
