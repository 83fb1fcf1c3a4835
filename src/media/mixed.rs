//! The sound tracks of a source as one: all of them mixed, each on the clock of the source.

use super::probe::AudioStream;

/// Names what a filtergraph reads for the sound of input `input`: `[input:stream]` for one track, or `[label]` after the
/// statements (each with its `;`) that mix several. The mix begins at sample `first` of the stream's rate.
pub(crate) fn mixed(
    input: usize,
    (stream, streams): (usize, &[usize]),
    rate: u32,
    first: i64,
    label: &str,
) -> (String, String) {
    if streams.is_empty() {
        return (String::new(), format!("{input}:{stream}"));
    }
    let mut text = String::new();
    let mut all = String::new();
    for (number, stream) in streams.iter().enumerate() {
        // Each on the same clock from the same sample on: the mixer only counts samples. Late starts and gaps are silence.
        text.push_str(&format!(
            "[{input}:{stream}]asettb=1/{rate},aresample={rate}:async=1:first_pts={first}:min_hard_comp=0.05,\
             aformat=sample_fmts=fltp:channel_layouts=stereo[{label}t{number}];"
        ));
        all.push_str(&format!("[{label}t{number}]"));
    }
    // As loud as each is alone: what is silent in one must not make the others quieter.
    text.push_str(&format!(
        "{all}amix=inputs={}:normalize=0:duration=longest:dropout_transition=0[{label}];",
        streams.len()
    ));
    (text, label.to_owned())
}

/// [`mixed`] for the stream of a probe, from its start on.
pub(crate) fn of_stream(stream: &AudioStream, label: &str) -> (String, String) {
    mixed(0, (stream.index, &stream.mixed), stream.sample_rate, 0, label)
}
