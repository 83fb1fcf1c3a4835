#[test]
fn show() {
    use super::*;
    for (text, language) in crate::kernels::text::keyphrases::tests::ALL {
        let lines: Vec<Line<'_>> = text.lines().map(|text| Line { text, start: 0.0, end: 1.0 }).collect();
        let input = TextInput { lines: &lines, language: Some(language), ..TextInput::default() };
        let script = Script::of(&input);
        for style in TitleStyle::ALL { eprintln!("{language} {style:?}: {:?}", script.title(style, 60)); }
        eprintln!("{:#?}", script.describe(&TextLimits { title_chars: 60, description_chars: 90, hashtags: 3 }, TitleStyle::Statement));
    }
}
