use super::{Choice, Question, RESULT};

/// The questions, the first one first. From there on each answer names the next.
pub(super) static QUESTIONS: [Question; 7] = [
    Question {
        slug: "sky",
        text: "What does your sky do most?",
        hint: "The next question depends on it.",
        choices: &[
            Choice {
                slug: "rain",
                text: "It rains, or is about to",
                next: "shelter",
                speaks_for: &["puddle", "drizzle"],
            },
            Choice {
                slug: "wind",
                text: "It blows",
                next: "wind",
                speaks_for: &["marmalade", "lamplighter"],
            },
            Choice {
                slug: "frost",
                text: "It freezes",
                next: "frost",
                speaks_for: &["snowdrop", "lamplighter"],
            },
            Choice {
                slug: "nothing",
                text: "It cannot decide",
                next: "pace",
                speaks_for: &["stationmaster", "ferryman"],
            },
        ],
    },
    Question {
        slug: "shelter",
        text: "Where does the rain find you?",
        hint: "It always does.",
        choices: &[
            Choice {
                slug: "open",
                text: "Far from any door",
                next: "pace",
                speaks_for: &["puddle", "wanderer"],
            },
            Choice {
                slug: "doors",
                text: "Between two doors",
                next: "pace",
                speaks_for: &["drizzle", "stationmaster"],
            },
        ],
    },
    Question {
        slug: "wind",
        text: "What does the wind take first?",
        hint: "Think of last autumn.",
        choices: &[
            Choice {
                slug: "hat",
                text: "Whatever is on my head",
                next: "pace",
                speaks_for: &["marmalade", "puddle"],
            },
            Choice {
                slug: "warmth",
                text: "My good temper",
                next: "pace",
                speaks_for: &["lamplighter", "marmalade"],
            },
        ],
    },
    Question {
        slug: "frost",
        text: "What gets cold first?",
        hint: "Be honest.",
        choices: &[
            Choice { slug: "hands", text: "My hands", next: "pace", speaks_for: &["snowdrop", "marmalade"] },
            Choice { slug: "feet", text: "My feet", next: "pace", speaks_for: &["wanderer", "snowdrop"] },
            Choice {
                slug: "all",
                text: "All of me, at once",
                next: "pace",
                speaks_for: &["lamplighter", "snowdrop"],
            },
        ],
    },
    Question {
        slug: "pace",
        text: "How do you walk?",
        hint: "As seen by someone behind you.",
        choices: &[
            Choice {
                slug: "stroll",
                text: "I stroll",
                next: "load",
                speaks_for: &["stationmaster", "lamplighter"],
            },
            Choice {
                slug: "stride",
                text: "I stride",
                next: "load",
                speaks_for: &["wanderer", "lamplighter"],
            },
            Choice { slug: "late", text: "I am late", next: "load", speaks_for: &["ferryman", "puddle"] },
        ],
    },
    Question {
        slug: "load",
        text: "What do you carry?",
        hint: "Today, not on your best day.",
        choices: &[
            Choice {
                slug: "nothing",
                text: "Nothing at all",
                next: "colour",
                speaks_for: &["snowdrop", "marmalade"],
            },
            Choice {
                slug: "book",
                text: "A book, against waiting",
                next: "colour",
                speaks_for: &["puddle", "stationmaster"],
            },
            Choice {
                slug: "everything",
                text: "Everything, in case",
                next: "colour",
                speaks_for: &["ferryman", "wanderer"],
            },
        ],
    },
    Question {
        slug: "colour",
        text: "Pick a colour.",
        hint: "Do not think about it.",
        choices: &[
            Choice { slug: "moss", text: "Moss", next: RESULT, speaks_for: &["lamplighter"] },
            Choice {
                slug: "buttercup",
                text: "Buttercup",
                next: RESULT,
                speaks_for: &["puddle", "marmalade"],
            },
            Choice {
                slug: "chestnut",
                text: "Chestnut",
                next: RESULT,
                speaks_for: &["wanderer", "ferryman"],
            },
            Choice {
                slug: "midnight",
                text: "Midnight",
                next: RESULT,
                speaks_for: &["stationmaster", "drizzle"],
            },
            Choice { slug: "frost", text: "Frost", next: RESULT, speaks_for: &["snowdrop", "drizzle"] },
        ],
    },
];
