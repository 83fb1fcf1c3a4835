//! Variants open and end with sentences, and their texts are of what they show.

use std::fs;

use super::super::support::query;
use super::{ffmpeg, run};

/// Lines as start, end and text: sentences that go over two lines, and one that ends within a line.
const LINES: [(f64, f64, &str); 8] = [
    (0.5, 3.0, "Nobody ever told me about the lighthouse, and"),
    (3.1, 6.0, "so I found it on my own."),
    (7.0, 10.0, "The lighthouse keeper counts every ship, because"),
    (10.1, 13.0, "the harbour pays him for each of them."),
    (14.5, 18.0, "What would you do alone up there? I would"),
    (18.1, 22.0, "read all the letters that the sailors left."),
    (24.0, 27.0, "A storm broke the lamp in winter, so"),
    (27.1, 31.0, "the village lit a fire on the beach."),
];
/// Where a sentence is under way, in seconds.
const SENTENCES: [(f64, f64); 5] =
    [(0.5, 6.0), (7.0, 13.0), (14.5, 16.5), (16.9, 22.0), (24.0, 31.0)];

fn clock(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round() as u64;
    format!("00:00:{:02},{:03}", millis / 1000, millis % 1000)
}

#[test]
fn a_variant_says_what_it_is_called_and_cuts_no_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Cuts in the midst of sentences.
    let picture =
        "testsrc2=s=320x180:r=25:d=33,hue=h='90*floor(t/4.6)':b='2*mod(floor(t/4.6),2)-1'";
    let sound = "aevalsrc='0.3*sin(2*PI*(300+200*floor(t/5))*t)*gt(mod(t,1.5),0.2)':s=48000:d=33";
    let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound];
    let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "talk.mp4"];
    ffmpeg(folder, &[&inputs[..], &codec].concat());
    let lines = LINES.iter().zip(1..).map(|((start, end, text), n)| {
        format!("{n}\n{} --> {}\n{text}\n\n", clock(*start), clock(*end))
    });
    fs::write(folder.join("talk.srt"), lines.collect::<String>()).unwrap();
    fs::write(
        folder.join("r.csv"),
        "request_id,source_url,min_clip_length,max_clip_length,max_clips,start,end\n\
         free,talk.mp4,6,20,3,,\ngiven,talk.mp4,,,,8.5,20\n",
    )
    .unwrap();
    run(folder, &["r.csv", "--variants", "8", "--plan-only"]);
    let wanted = "SELECT request_id, round(start, 2), round(\"end\", 2), hook_text, title,
        array_to_string(hashtags, ' '), transcript FROM variants ORDER BY 1, 2, 3";
    let csv = query(
        folder,
        &wanted
            .replace("hook_text", "replace(hook_text, ',', ';')")
            .replace(" title", " replace(title, ',', ';')")
            .replace(" transcript", " replace(transcript, ',', ';')"),
    );
    assert!(csv.len() >= 12, "{csv:?}");
    let mut parts = 0;
    for row in &csv {
        let fields: Vec<&str> = row.split(',').collect();
        let (start, end): (f64, f64) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        let cuts = |t: f64| SENTENCES.iter().any(|(from, to)| from + 0.35 < t && t < to - 0.35);
        let is_given = fields[0] == "given" && (start == 8.48 || end == 20.0);
        assert!(is_given || (!cuts(start) && !cuts(end)), "{row}");
        // All that is said in it, by line.
        let said: String = LINES
            .iter()
            .filter(|(from, to, _)| *from > start - 2.0 && *to < end + 2.0)
            .map(|(_, _, text)| text.replace(',', ";") + " ")
            .collect();
        let words = |text: &str| -> Vec<String> {
            let split = text.to_lowercase();
            split.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
        };
        let heard = words(&said);
        for text in &fields[3..] {
            for word in words(text).iter().filter(|w| w.len() > 2) {
                let is_heard = heard
                    .iter()
                    .any(|h| h.contains(word.as_str()) || word.contains(h) && h.len() > 3);
                let joined = heard.windows(2).any(|pair| pair.concat() == *word);
                assert!(is_heard || joined, "{word} is not said: {row}");
            }
        }
        parts += usize::from(end - start < 12.0);
    }
    // Different spans have different titles.
    let titles =
        query(folder, "SELECT count(DISTINCT title), count(DISTINCT hook_text) FROM variants");
    let (titles, hooks) = titles[0].split_once(',').unwrap();
    assert!(titles.parse::<u32>().unwrap() >= 3 && hooks.parse::<u32>().unwrap() >= 2, "{csv:?}");
    assert!(parts > 0, "{csv:?}");
}
