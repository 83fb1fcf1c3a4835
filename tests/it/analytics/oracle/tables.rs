//! Tables of events that try what can be tried.

use std::collections::BTreeMap;

use clipflow::model::event::EventKind;

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Missing,
    Text(String),
    Count(u64),
    Number(f64),
}

impl Cell {
    /// The text without the space around it; none if nothing is left.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
            Self::Count(n) => Some(n.to_string()),
            Self::Number(n) => Some(n.to_string()),
            Self::Missing => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Count(n) => Some(*n as f64),
            Self::Number(n) => Some(*n),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Missing => None,
        }
    }
}

pub type Row = BTreeMap<String, Cell>;

/// Rows that are raw events or days.
#[derive(Debug, Clone)]
pub struct Table {
    pub is_raw: bool,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

fn pick<T: Clone>(rng: &mut fastrand::Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())].clone()
}

fn text(rng: &mut fastrand::Rng, from: &[&str]) -> Cell {
    match rng.u8(..12) {
        0 => Cell::Missing,
        1 => Cell::Text(String::new()),
        2 => Cell::Text(format!(" {}", pick(rng, from))),
        _ => Cell::Text(pick(rng, from).to_owned()),
    }
}

fn time(rng: &mut fastrand::Rng) -> Cell {
    let day = rng.u8(1..13);
    match rng.u8(..14) {
        0 => Cell::Missing,
        1 => Cell::Text("2099-01-01T00:00:00Z".to_owned()),
        2 => Cell::Text(format!("2026-05-{day:02}")),
        3 => Cell::Text(format!("2026-05-{day:02}T{:02}:30:00+02:00", rng.u8(2..24))),
        _ => Cell::Text(format!("2026-05-{day:02}T{:02}:{:02}:00", rng.u8(..24), rng.u8(..60))),
    }
}

fn day(rng: &mut fastrand::Rng) -> Cell {
    let day = rng.u8(1..13);
    match rng.u8(..14) {
        0 => Cell::Missing,
        1 => Cell::Text("2099-01-01".to_owned()),
        2 => Cell::Text(format!("202605{day:02}")),
        _ => Cell::Text(format!("2026-05-{day:02}")),
    }
}

impl Table {
    pub fn generate(rng: &mut fastrand::Rng) -> Self {
        let is_raw = rng.bool();
        let rows = pick(rng, &[1, 3, 12, 40, 150]);
        let kinds: Vec<&str> = EventKind::ALL.iter().map(|k| k.as_str()).collect();
        // Some kinds do not occur at all.
        let kinds: Vec<&str> = kinds
            .into_iter()
            .filter(|k| *k == "view" || rng.u8(..4) > 0)
            .chain(["shrug"])
            .collect();
        let figures: Vec<&str> = EventKind::ALL.iter().map(|k| k.figure()).collect();
        let figures: Vec<&str> =
            figures.into_iter().filter(|f| *f == "views" || rng.u8(..4) > 0).collect();
        let missing = rng.u8(..5);
        let has = |rng: &mut fastrand::Rng| rng.u8(..8) > 0;
        let (has_viewers, has_country, has_duration) = (has(rng), has(rng), has(rng));
        let huge = rng.u8(..6) == 0;
        let mut table = Self { is_raw, columns: vec![], rows: vec![] };
        for _ in 0..rows {
            let mut row = Row::new();
            let mut put = |name: &str, cell: Cell| {
                row.insert(name.to_owned(), cell);
            };
            put(
                "variant_id",
                match rng.u8(..20) {
                    0 => Cell::Missing,
                    n => Cell::Text(
                        ["a", "b", "b ", "7", "00000000000000ff"][usize::from(n) % 5].to_owned(),
                    ),
                },
            );
            put("platform", text(rng, &["x", "y"]));
            if has_country {
                put("country", text(rng, &["de", "fr", "de, west", "7"]));
            }
            if has_duration {
                put(
                    "duration",
                    pick(
                        rng,
                        &[
                            Cell::Missing,
                            Cell::Count(10),
                            Cell::Number(12.5),
                            Cell::Text("long".to_owned()),
                        ],
                    ),
                );
            }
            if is_raw {
                put(
                    "event",
                    if rng.u8(..20) == 0 {
                        Cell::Missing
                    } else {
                        Cell::Text(pick(rng, &kinds).to_owned())
                    },
                );
                if has_viewers {
                    put("viewer_id", text(rng, &["u1", "u2", "u3", "42", "00000000000000aa"]));
                }
                put(
                    "value",
                    match rng.u8(..4) {
                        0 => Cell::Missing,
                        1 => Cell::Count(rng.u64(..60)),
                        _ => Cell::Number(f64::from(rng.u32(..600)) / 8.0),
                    },
                );
                put("ts", time(rng));
            } else {
                put("day", day(rng));
                for figure in &figures {
                    put(
                        figure,
                        match rng.u8(..12) {
                            n if n < missing => Cell::Missing,
                            10 => Cell::Count(0),
                            11 if huge => Cell::Count(1 << rng.u32(30..52)),
                            _ if *figure == "watch_seconds" => {
                                Cell::Number(f64::from(rng.u32(..9000)) / 4.0)
                            }
                            _ => Cell::Count(rng.u64(..500)),
                        },
                    );
                }
                for (name, most) in
                    [("audience_reach", 90), ("new_viewers", 9), ("followers", 5000)]
                {
                    if rng.u8(..4) > 0 {
                        put(name, Cell::Count(rng.u64(1..most)));
                    }
                }
            }
            table.rows.push(row);
        }
        let mut names: Vec<String> =
            table.rows.iter().flat_map(|row| row.keys().cloned()).collect();
        names.sort();
        names.dedup();
        table.columns = names;
        table
    }

    /// Make a cell wrong that every answer looks at; its column.
    pub fn spoil(&mut self, rng: &mut fastrand::Rng) -> Option<&'static str> {
        let row = rng.usize(..self.rows.len());
        let wrong = |rng: &mut fastrand::Rng| {
            let all = [
                Cell::Number(2.7),
                Cell::Number(-1.0),
                Cell::Text("many".to_owned()),
                Cell::Text("1,000".to_owned()),
                Cell::Text("NaN".to_owned()),
                Cell::Text("9223372036854775808".to_owned()),
            ];
            pick(rng, &all)
        };
        let (column, cell) = if self.is_raw {
            match rng.u8(..3) {
                0 => ("ts", Cell::Text(pick(rng, &["soon", "1777593600"]).to_owned())),
                1 => {
                    self.rows[row]
                        .insert("event".to_owned(), Cell::Text("watch_seconds".to_owned()));
                    ("value", Cell::Number(-1.0))
                }
                _ => ("value", Cell::Text("much".to_owned())),
            }
        } else {
            match rng.u8(..3) {
                0 => ("day", Cell::Text(pick(rng, &["soon", "20261341"]).to_owned())),
                1 => ("views", wrong(rng)),
                _ => ("audience_reach", wrong(rng)),
            }
        };
        self.rows[row].insert(column.to_owned(), cell);
        if !self.columns.iter().any(|c| c == column) {
            self.columns.push(column.to_owned());
        }
        Some(column)
    }
}
