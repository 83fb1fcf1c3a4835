#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

/// A short talk in each of some languages, and its tag.
pub(in crate::kernels::text) const TALKS: [(&str, &str); 8] = [
    (
        "So today we're gonna talk about solar panels.\nA solar panel on your roof pays for itself in six years,\nand the battery stores energy for the night.\nHow much does a home battery cost? About 5000 dollars.\nNASA has used solar panels since 1958.",
        "en",
    ),
    (
        "La inteligencia artificial está cambiando la medicina.\nLos médicos usan inteligencia artificial para leer radiografías.\n¿Puede una máquina reemplazar a un médico?\nNo, pero la máquina ayuda al hospital.",
        "es",
    ),
    (
        "Der Klimawandel verändert unsere Wälder.\nWenn die Temperaturen steigen, leiden die Wälder unter dem Borkenkäfer.\nWas können wir gegen den Klimawandel tun? Der Förster pflanzt neue Bäume.",
        "de",
    ),
    (
        "L'énergie solaire est l'avenir de l'Afrique.\nAvec l'énergie solaire, les villages ont enfin de l'électricité.\nEst-ce que l'électricité restera chère ?",
        "fr",
    ),
    (
        "الذكاء الاصطناعي يغير العالم اليوم.\nيستخدم الأطباء الذكاء الاصطناعي في المستشفيات.\nهل الذكاء الاصطناعي خطير؟",
        "ar",
    ),
    (
        "今日は人工知能についてお話しします。\n人工知能は医療の世界を変えています。\nロボットは病院で患者を助けます。ロボットは怖いですか？",
        "ja",
    ),
    ("人工智能正在改变我们的世界。\n医生在医院使用人工智能。\n机器人和医生一起工作。", "zh"),
    ("ปัญญาประดิษฐ์ เปลี่ยนโลก\nหมอใช้ ปัญญาประดิษฐ์ ในโรงพยาบาล", "th"),
];

fn found(text: &str, language: Option<&str>, most: usize) -> Vec<String> {
    keyphrases(text, language, most).into_iter().map(|k| k.text).collect()
}

#[test]
fn the_strongest_are_what_the_talk_is_about_in_each_language() {
    let strongest: [&[&str]; 8] = [
        &["solar panels", "battery stores energy", "home battery cost"],
        &["inteligencia artificial", "médicos", "máquina"],
        &["Klimawandel", "Wälder", "Temperaturen steigen"],
        &["énergie solaire", "électricité", "Afrique"],
        &["الذكاء الاصطناعي"],
        &["人工知能", "ロボット"],
        &["人工智能", "医生"],
        &["ปัญญาประดิษฐ์"],
    ];
    for ((text, language), strongest) in TALKS.iter().zip(strongest) {
        assert_eq!(found(text, Some(language), strongest.len()), strongest, "{language}");
    }
}

#[test]
fn the_language_is_recognised_where_none_is_given() {
    for (text, language) in &TALKS[..6] {
        let told = found(text, Some(language), 1);
        assert_eq!(found(text, None, 1), told, "{language}");
    }
}

#[test]
fn forms_of_one_phrase_are_one_and_numbers_and_fillers_are_none() {
    let text =
        "Robots! robot, ROBOTS. 2024 and 10,000 and um yeah okay. [Robots humming] ♪ la la ♪";
    let phrases = found(text, Some("en"), 10);
    assert_eq!(phrases.iter().filter(|p| p.to_lowercase().starts_with("robot")).count(), 1);
    assert!(!phrases.iter().any(|p| p.contains("2024") || p.contains("yeah") || p.contains("hum")));
    let names = keyphrases("There were purple rabbits, and Ada Lovelace.", Some("en"), 2);
    assert_eq!(names[0].text, "Ada Lovelace");
    assert!(names[1].weight < 1.0);
    assert_eq!(found("L’eau", Some("fr"), 1), ["eau"]);
    assert_eq!(found("NASA's rockets", Some("en"), 1), ["NASA"]);
}

#[test]
fn as_many_different_phrases_as_a_file_of_captions_can_hold_are_no_burden() {
    let name = |n: u32| {
        let letter = |place: u32| char::from(b'a' + ((n / 26_u32.pow(place)) % 26) as u8);
        (0..4).map(letter).chain("zqx".chars()).collect::<String>()
    };
    let text: String = (0..150_000).map(|n| format!("{}, ", name(n))).collect();
    assert_eq!(found(&text, Some("en"), 5).len(), 5);
}

#[test]
fn nothing_is_found_in_nothing() {
    for text in ["", "  \n", "12 34", "the and of", "♪♪", "的了是", "のはが"] {
        assert!(keyphrases(text, None, 5).is_empty(), "{text}");
        assert!(keyphrases(text, Some("en"), 0).is_empty(), "{text}");
    }
    assert!(keyphrases("Solar panels", Some("en"), 0).is_empty());
}

/// Words of many scripts with what stands between them.
fn prose() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{1,9}",
        "[A-Z][a-z]{1,5}",
        "[а-я]{1,7}",
        "[ء-ي]{1,7}",
        "[ก-๙]{1,9}",
        "[ァ-ヺー]{1,6}",
        "[ぁ-ゖ]{1,4}",
        "[一-二亠-仔的我]{1,9}",
        "[0-9]{1,4}",
        "[.,!?…。？' \\-\n]{1,2}",
        any::<String>(),
    ];
    proptest::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn promises_hold_for_any_text(text in prose(), language in 0_usize..20, most in 0_usize..12) {
        let tags = ["en", "de", "fr", "es", "ar", "ru", "ja", "zh", "th", "tr", "ta", "hu", "el", "no", "xx", ""];
        let language = tags.get(language).copied();
        let phrases = keyphrases(&text, language, most);
        prop_assert_eq!(&phrases, &keyphrases(&text, language, most));
        prop_assert!(phrases.len() <= most);
        let folded: std::collections::HashSet<String> = phrases.iter().map(|p| p.text.to_lowercase()).collect();
        prop_assert_eq!(folded.len(), phrases.len());
        for pair in phrases.windows(2) {
            prop_assert!(pair[0].weight >= pair[1].weight);
        }
        if let Some(first) = phrases.first() {
            prop_assert_eq!(first.weight, 1.0);
        }
        for phrase in &phrases {
            prop_assert!(phrase.weight > 0.0 && phrase.weight <= 1.0);
            prop_assert!(phrase.text.chars().any(char::is_alphabetic), "{:?}", phrase.text);
            prop_assert_eq!(phrase.text.trim(), phrase.text.as_str());
        }
        // Fewer of them are the first of them.
        let fewer = keyphrases(&text, language, most / 2);
        prop_assert_eq!(&phrases[..fewer.len()], &fewer[..]);
    }
}
