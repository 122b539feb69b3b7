use super::*;

/// Plays requests to a route, one for each word, which are the names that it reads, a letter each; `-` reads none. A word
/// that begins with `!` was cut off. Returns what is foreseen of each.
fn play(history: &mut History, requests: &str, sizes: &[(&str, usize)]) -> Vec<String> {
    let mut forecasts = Vec::new();
    for request in requests.split_whitespace() {
        forecasts.push(foreseen(history));
        let whole = !request.starts_with('!');
        let names = request.trim_start_matches('!').replace('-', "");
        let read: Vec<_> = names.chars().map(|letter| Name::new(letter.to_string()).unwrap()).collect();
        let edition = history.edition;
        if foreseen(history) == names && history.was_right(edition) {
            continue;
        }
        let bytes = |name: &Name| {
            sizes.iter().find(|(sized, _)| *sized == name.as_str()).map_or(Some(100), |(_, size)| Some(*size))
        };
        history.observe(&Observation { read: &read, whole }, bytes);
    }
    forecasts
}

fn foreseen(history: &History) -> String {
    history.forecast().names.iter().map(Name::as_str).collect()
}

fn after(requests: &str, sizes: &[(&str, usize)]) -> String {
    let mut history = History::default();
    play(&mut history, requests, sizes);
    foreseen(&history)
}

const LARGE_A: &[(&str, usize)] = &[("a", 8193)];

/// What it shows, the requests, the sizes, and what is foreseen then.
type Case = (&'static str, String, &'static [(&'static str, usize)], &'static str);

#[test]
fn the_forecast_follows_from_the_history() {
    let times = |count: usize, request: &str| format!("{request} ").repeat(count);
    let cases: [Case; 19] = [
        ("nothing is known", String::new(), &[], ""),
        ("the first request is enough", "ab".into(), &[], "ab"),
        ("half of them read it", "a b".into(), &[], "ab"),
        ("a third is too few, but enough to stay", "a b b".into(), &[], "ab"),
        ("a third is too few", "b b a".into(), &[], "b"),
        ("a fifth is too few to stay", "a b b b b".into(), &[], "b"),
        ("what is new is learned", times(50, "a") + &times(11, "ab"), &[], "ab"),
        ("not from a few", times(50, "a") + &times(10, "ab"), &[], "a"),
        ("what is no longer read is unlearned", times(50, "ab") + &times(22, "a"), &[], "a"),
        ("not from a few", times(50, "ab") + &times(20, "a"), &[], "ab"),
        ("everything may be unlearned", times(50, "ab") + &times(30, "-"), &[], ""),
        ("what was cut off unlearns nothing", times(50, "ab") + &times(99, "!a"), &[], "ab"),
        ("what was cut off teaches", times(50, "a") + &times(11, "!ab"), &[], "ab"),
        ("a large one needs sixteen", times(15, "a"), LARGE_A, ""),
        ("of which nearly all read it", times(16, "a"), LARGE_A, "a"),
        ("one of them may not", times(8, "a") + "- " + &times(7, "a"), LARGE_A, "a"),
        ("two of them may not", times(7, "a") + "- - " + &times(7, "a"), LARGE_A, ""),
        ("a large one is soon unlearned", times(50, "a") + "- - -", LARGE_A, ""),
        ("one of 8 KiB is not large", "a".into(), &[("a", 8192)], "a"),
    ];
    for (case, requests, sizes, expected) in cases {
        assert_eq!(after(&requests, sizes), expected, "{case}");
    }
}

#[test]
fn the_forecast_is_the_same_whether_or_not_it_was_said_to_be_right() {
    let requests = "a ab a b a ab a - a a a ab ab ab ab ab b ab ab ab a a a a a a a a a a ab a b a";
    let mut one = History::default();
    let shortened = play(&mut one, requests, &[]);
    let mut other = History::default();
    let mut forecasts = Vec::new();
    for request in requests.split_whitespace() {
        forecasts.push(foreseen(&other));
        let read = request.replace('-', "");
        let read: Vec<_> = read.chars().map(|letter| Name::new(letter.to_string()).unwrap()).collect();
        other.observe(&Observation { read: &read, whole: true }, |_| Some(100));
    }
    assert_eq!(shortened, forecasts);
}

#[test]
fn a_forecast_of_another_edition_was_not_right() {
    let mut history = History::default();
    play(&mut history, "a", &[]);
    let before = history.forecast().edition;
    play(&mut history, "a b b b b", &[]);
    assert!(!history.was_right(before) && history.was_right(history.edition));
}

#[test]
fn a_share_between_the_bounds_neither_comes_nor_goes() {
    let mut history = History::default();
    play(&mut history, &"ab ".repeat(20), &[]);
    let forecasts = play(&mut history, &"a b ".repeat(100), &[]);
    assert!(forecasts.iter().all(|names| names == "ab"), "{forecasts:?}");
    assert_eq!(history.edition, 1);
}

/// Every request reads a name of its own, as where names are made of what a visitor has typed.
#[test]
fn names_that_come_once_do_not_pile_up() {
    let mut history = History::default();
    for number in 0..10_000 {
        let own = (0..70).map(|part| Name::new(format!("{number}-{part}")).unwrap());
        let read: Vec<_> = std::iter::once(Name::from_static("always")).chain(own).collect();
        history.observe(&Observation { read: &read, whole: true }, |_| Some(10));
        assert!(history.tracked.len() <= NAMES && history.foreseen.len() <= NAMES);
        assert!(history.tracked.is_sorted_by(|one, two| one.name < two.name));
    }
    assert_eq!(foreseen(&history), "always");
    play(&mut history, &("- ".repeat(200) + "z"), &[]);
    assert_eq!(history.tracked.len(), 1, "what nobody reads is forgotten");
}

#[test]
fn a_name_that_grows_large_is_given_up_unless_nearly_all_read_it() {
    let mut history = History::default();
    play(&mut history, &"a ab ".repeat(20), &[]);
    assert_eq!(foreseen(&history), "ab");
    play(&mut history, &"a ab ".repeat(30), &[("a", 9000), ("b", 9000)]);
    assert_eq!(foreseen(&history), "a");
}
