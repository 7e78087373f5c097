"""How what is said of the controller is called (Article 30(1))."""

WORDS = {
    "name": "Controller",
    "contact": "How to reach it",
    "officer": "Data protection officer",
    "authority": "Supervisory authority",
    "joint": "Joint controllers",
    "representative": "Representative in the Union",
    "purposes": "Purposes",
    "people": "Categories of people",
    "data": "Categories of data",
    "recipients": "Categories of recipients",
    "transfers": "Transfers to third countries",
    "retention": "How long data are kept",
    "security": "Measures of security",
    "source": "Where data come from",
    "decisions": "Automated decisions",
}
