from shape.models import Letter


def fill() -> None:
    Letter.objects.bulk_create(Letter(text=f"Letter {number}\nwith \u20ac signs") for number in range(30))
