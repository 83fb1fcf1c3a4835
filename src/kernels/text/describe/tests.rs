#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::super::keyphrases::tests::TALKS;
use super::super::lines::Line;
use super::*;
use crate::model::Keyphrase;

const LIMITS: TextLimits = TextLimits { title_chars: 60, description_chars: 90, hashtags: 3 };

fn lines(text: &str) -> Vec<Line<'_>> {
    let line = |(i, text)| Line { text, start: i as f64, end: i as f64 + 1.0 };
    text.lines().enumerate().map(line).collect()
}

fn of(text: &str, language: &str, interests: &[&str]) -> ClipText {
    let interests: Vec<String> = interests.iter().map(|i| (*i).to_owned()).collect();
    let lines = lines(text);
    let language = Some(language);
    let input =
        TextInput { lines: &lines, language, interests: &interests, ..TextInput::default() };
    describe(&input, &LIMITS)
}

fn titles(text: &str, language: &str, most: usize) -> Vec<Option<String>> {
    let lines = lines(text);
    let language = Some(language);
    let script = Script::of(&TextInput { lines: &lines, language, ..TextInput::default() });
    TitleStyle::ALL.into_iter().map(|style| script.title(style, most)).collect()
}

#[test]
fn each_form_of_title_is_of_the_clips_own_words() {
    let wanted = [
        [
            Some("NASA has used solar panels since 1958"),
            Some("How much does a home battery cost?"),
            Some("Solar Panels · Battery Stores Energy · Home Battery Cost"),
            Some("“So today we're gonna talk about solar panels”"),
        ],
        [
            Some("La inteligencia artificial está cambiando la medicina"),
            Some("¿Puede una máquina reemplazar a un médico?"),
            Some("Inteligencia artificial · Médicos · Máquina"),
            Some("«Los médicos usan inteligencia artificial para leer…»"),
        ],
    ];
    for ((text, language), wanted) in TALKS.iter().zip(wanted) {
        let wanted: Vec<Option<String>> = wanted.iter().map(|t| t.map(str::to_owned)).collect();
        assert_eq!(titles(text, language, 60), wanted, "{language}");
    }
    for (text, language) in &TALKS[2..6] {
        let titles = titles(text, language, 60);
        let different: std::collections::HashSet<_> = titles.iter().flatten().collect();
        assert_eq!(different.len(), 4, "{language}: {titles:?}");
    }
    assert_eq!(titles("Solar panels work.", "en", 60)[3], None, "there is no second sentence");
    assert_eq!(titles("Solar panels work.", "en", 60)[1], None, "no question is asked");
}

#[test]
fn texts_of_captions_are_what_is_said() {
    let (english, tag) = TALKS[0];
    let text = of(english, tag, &["Energy", "football"]);
    assert_eq!(text.origin, TextOrigin::Captions);
    assert_eq!(text.hook_text.as_deref(), Some("So today we're gonna talk about solar panels."));
    assert_eq!(text.description, "So today we're gonna talk about solar panels.");
    assert_eq!(text.hashtags, ["#BatteryStoresEnergy", "#SolarPanels", "#HomeBatteryCost"]);
    assert_eq!(text.keywords[0], "solar panels");
    let (arabic, tag) = TALKS[4];
    assert_eq!(of(arabic, tag, &[]).hashtags[0], "#الذكاء_الاصطناعي");
    let (japanese, tag) = TALKS[5];
    let text = of(japanese, tag, &[]);
    assert_eq!(text.title, "人工知能は医療の世界を変えています");
    assert_eq!(text.hashtags[0], "#人工知能");
}

#[test]
fn without_captions_there_is_what_the_request_says_or_what_is_plain() {
    let facts = Facts { duration: 61.6, size: Some((1920, 1080)) };
    let bare = TextInput { facts, language: Some("de"), ..TextInput::default() };
    let text = describe(&bare, &LIMITS);
    assert_eq!(text.origin, TextOrigin::Facts);
    assert_eq!((text.title.as_str(), text.hook_text), ("1:02 · 1920×1080 · de", None));
    assert!(text.hashtags.is_empty() && text.keywords.is_empty());
    let music = lines("[Musik]\n♪♪");
    let named = TextInput { lines: &music, topic: Some("Sommerfest im Stadtpark"), ..bare };
    let text = describe(&named, &LIMITS);
    assert_eq!(text.origin, TextOrigin::Request);
    assert_eq!((text.title.as_str(), text.hook_text), ("Sommerfest im Stadtpark", None));
    assert_eq!(text.hashtags, ["#Sommerfest", "#Stadtpark"]);
    let spoken = lines("Wir feiern im Park.");
    let both = TextInput { lines: &spoken, ..named };
    assert_eq!(describe(&both, &LIMITS).origin, TextOrigin::Captions);
}

#[test]
fn given_keyphrases_are_used() {
    let spoken = lines("The engine starts. The rocket flies to the moon.");
    let given = [Keyphrase { text: "rocket".into(), weight: 1.0 }];
    let input = TextInput { lines: &spoken, keyphrases: &given, ..TextInput::default() };
    let text = describe(&input, &LIMITS);
    assert_eq!(
        (text.title.as_str(), text.keywords),
        ("The rocket flies to the moon", vec!["rocket".to_owned()])
    );
}

proptest! {
    #[test]
    fn limits_hold_and_nothing_is_made_up(
        said in proptest::collection::vec(prop_oneof!["[A-Za-z ,.?!'é\u{300}👩‍👧ء-ي一-丁ก-๙]{0,60}", any::<String>()], 0..6),
        topic in proptest::option::of(any::<String>()),
        language in proptest::option::of("[a-z]{2}"),
        title_chars in 0_usize..80,
        description_chars in 0_usize..120,
        hashtags in 0_usize..6,
    ) {
        let joined = said.join("\n");
        let spoken = lines(&joined);
        let input = TextInput {
            lines: &spoken, topic: topic.as_deref(), language: language.as_deref(), ..TextInput::default()
        };
        let limits = TextLimits { title_chars, description_chars, hashtags };
        let script = Script::of(&input);
        for style in TitleStyle::ALL {
            let text = script.describe(&limits, style);
            prop_assert!(graphemes(&text.title) <= title_chars, "{:?}", text.title);
            prop_assert!(graphemes(&text.description) <= description_chars, "{:?}", text.description);
            prop_assert!(text.hook_text.as_deref().is_none_or(|h| graphemes(h) <= title_chars));
            prop_assert!(text.hashtags.len() <= hashtags);
            prop_assert_eq!(&text, &Script::of(&input).describe(&limits, style));
            // Letters and digits are those of the source, in its order; µ and Μ, ſ and S are the same.
            let letters = |text: &str| -> String {
                text.to_uppercase().to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
            };
            if text.origin == TextOrigin::Captions && style != TitleStyle::Keyword {
                let kept = text.title.trim_end_matches(['…', '”', '»', '“', '」', '\u{202F}']);
                let source = letters(&said.join(" "));
                let is_keyword = script.title(style, title_chars).is_none();
                prop_assert!(is_keyword || source.contains(&letters(kept)) || said.iter().any(|s| s.contains(['[', '【'])), "{:?} of {:?}", kept, said);
            }
        }
    }
}
