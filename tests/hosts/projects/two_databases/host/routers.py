"""Route the app `shape`, and no other, to a database of its own."""


class Shapes:
    def db_for_read(self, model, **hints):
        return "second" if model._meta.app_label == "shape" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "second") == (app_label == "shape")
