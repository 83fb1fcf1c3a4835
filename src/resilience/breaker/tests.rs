#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use proptest::prelude::*;

fn breaker(in_a_row: u32, recovery: f64) -> Breaker {
    Breaker::new(BreakerConfig { in_a_row, recovery: Duration::from_secs_f64(recovery) })
}

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn go(breaker: &mut Breaker, now: f64) -> BreakerTicket {
    match breaker.admit(at(now)) {
        Admission::Go(ticket) => ticket,
        other => panic!("{other:?} at {now}"),
    }
}

fn call(breaker: &mut Breaker, now: f64, outcome: CallOutcome) {
    let ticket = go(breaker, now);
    breaker.record(ticket, outcome, at(now));
}

#[test]
fn failures_in_a_row_open_it_and_a_success_between_starts_anew() {
    let mut b = breaker(3, 10.0);
    for outcome in
        [CallOutcome::Failure, CallOutcome::Failure, CallOutcome::Success, CallOutcome::Failure]
    {
        call(&mut b, 0.0, outcome);
    }
    call(&mut b, 0.0, CallOutcome::Failure);
    assert_eq!(b.state(at(0.0)), BreakerState::Closed);
    call(&mut b, 0.0, CallOutcome::Neither);
    call(&mut b, 0.0, CallOutcome::Failure);
    assert_eq!(b.admit(at(4.0)), Admission::Refused(at(6.0)));
}

#[test]
fn half_of_twenty_calls_within_ten_seconds_open_it() {
    let mut b = breaker(100, 10.0);
    for i in 0..19 {
        call(
            &mut b,
            f64::from(i) * 0.1,
            [CallOutcome::Failure, CallOutcome::Success][i as usize % 2],
        );
    }
    assert_eq!(b.state(at(2.0)), BreakerState::Closed, "19 calls say nothing");
    call(&mut b, 2.0, CallOutcome::Failure);
    assert_eq!(b.state(at(2.0)), BreakerState::Open);
    // The same calls spread over more than the window do not.
    let mut b = breaker(100, 10.0);
    for i in 0..60 {
        call(
            &mut b,
            f64::from(i) * 0.6,
            [CallOutcome::Failure, CallOutcome::Success][i as usize % 2],
        );
    }
    assert_eq!(b.state(at(36.0)), BreakerState::Closed);
}

#[test]
fn three_probes_that_succeed_close_it_and_others_wait_for_them() {
    let mut b = breaker(1, 10.0);
    call(&mut b, 0.0, CallOutcome::Failure);
    assert_eq!(b.state(at(10.0)), BreakerState::HalfOpen);
    let probes = [10.0, 10.1, 10.2].map(|now| go(&mut b, now));
    assert_eq!(b.admit(at(10.3)), Admission::Wait);
    // A probe that was given up makes its place free.
    b.record(probes[0], CallOutcome::Neither, at(11.0));
    let fourth = go(&mut b, 11.0);
    for probe in [probes[1], probes[2], fourth] {
        b.record(probe, CallOutcome::Success, at(11.0));
    }
    assert_eq!(b.state(at(11.0)), BreakerState::Closed);
    // Closed again, it begins with the first recovery time.
    call(&mut b, 12.0, CallOutcome::Failure);
    assert_eq!(b.admit(at(12.0)), Admission::Refused(at(10.0)));
}

#[test]
fn each_failed_probe_doubles_the_time_up_to_a_minute() {
    let mut b = breaker(1, 10.0);
    call(&mut b, 0.0, CallOutcome::Failure);
    let mut now = 0.0;
    let mut waits = vec![];
    for _ in 0..5 {
        let Admission::Refused(wait) = b.admit(at(now)) else { panic!("open") };
        waits.push(wait.as_secs());
        now += wait.as_secs_f64();
        call(&mut b, now, CallOutcome::Failure);
    }
    assert_eq!(waits, [10, 20, 40, 60, 60]);
}

#[test]
fn a_call_from_before_it_opened_decides_nothing() {
    let mut b = breaker(1, 10.0);
    let slow = [go(&mut b, 0.0), go(&mut b, 0.0)];
    call(&mut b, 0.0, CallOutcome::Failure);
    b.record(slow[0], CallOutcome::Failure, at(5.0));
    assert_eq!(b.admit(at(5.0)), Admission::Refused(at(5.0)), "not opened anew");
    let probe = go(&mut b, 10.0);
    b.record(slow[1], CallOutcome::Success, at(10.0));
    b.record(probe, CallOutcome::Failure, at(10.0));
    assert_eq!(b.state(at(10.0)), BreakerState::Open);
}

#[derive(Debug, Clone)]
enum BreakerStep {
    Pass(u64),
    Start,
    End(usize, CallOutcome),
}

fn step() -> impl Strategy<Value = BreakerStep> {
    let outcome = prop_oneof![
        2 => Just(CallOutcome::Success),
        3 => Just(CallOutcome::Failure),
        1 => Just(CallOutcome::Neither)
    ];
    prop_oneof![
        2 => (0_u64..15_000).prop_map(BreakerStep::Pass),
        1 => (0_u64..100).prop_map(BreakerStep::Pass),
        6 => Just(BreakerStep::Start),
        6 => (any::<usize>(), outcome).prop_map(|(which, outcome)| BreakerStep::End(which, outcome)),
    ]
}

/// A breaker as the rules say it, with every call remembered.
struct BreakerRules {
    in_a_row: usize,
    recovery: Duration,
    calls: Vec<(u64, bool)>,
    openings: u32,
}

impl BreakerRules {
    /// Whether a failure at `now` opens a closed breaker.
    fn opens(&mut self, now: Duration, failed: bool) -> bool {
        self.calls.push((now.as_secs(), failed));
        let last = self.calls.iter().rev().take_while(|(_, failed)| *failed).count();
        let recent: Vec<bool> = self
            .calls
            .iter()
            .filter(|(second, _)| second + 10 > now.as_secs())
            .map(|(_, failed)| *failed)
            .collect();
        let failures = recent.iter().filter(|failed| **failed).count();
        failed && (last >= self.in_a_row || (recent.len() >= 20 && failures * 2 >= recent.len()))
    }

    fn open_for(&mut self) -> Duration {
        let time = self.recovery * 2_u32.pow(self.openings.min(10));
        self.openings += 1;
        time.min(Duration::from_secs(60).max(self.recovery))
    }
}

proptest! {
    #[test]
    fn it_does_what_the_rules_say(
        in_a_row in 1_u32..30,
        recovery in 1_u64..90,
        steps in proptest::collection::vec(step(), 1..400),
    ) {
        let recovery = Duration::from_secs(recovery);
        let mut b = Breaker::new(BreakerConfig { in_a_row, recovery });
        let mut rules = BreakerRules { in_a_row: in_a_row as usize, recovery, calls: vec![], openings: 0 };
        let mut now = Duration::ZERO;
        let mut under_way: Vec<BreakerTicket> = vec![];
        let mut open_until = None;
        let (mut probes, mut good_probes) = (0, 0);
        for step in steps {
            match step {
                BreakerStep::Pass(ms) => now += Duration::from_millis(ms),
                BreakerStep::Start => match (b.admit(now), open_until) {
                    (Admission::Refused(wait), Some(until)) => prop_assert_eq!(now + wait, until),
                    (Admission::Wait, Some(until)) => {
                        prop_assert!(now >= until);
                        prop_assert_eq!(probes + good_probes, PROBES);
                    }
                    (Admission::Go(ticket), None) => under_way.push(ticket),
                    (Admission::Go(ticket), Some(until)) => {
                        prop_assert!(now >= until, "let through while open");
                        if probes + good_probes == 0 {
                            // Those of before are forgotten with the phase.
                            under_way.clear();
                        }
                        probes += 1;
                        prop_assert!(probes + good_probes <= PROBES);
                        under_way.push(ticket);
                    }
                    (other, None) => prop_assert!(false, "{other:?} while closed"),
                },
                BreakerStep::End(which, outcome) if !under_way.is_empty() => {
                    let ticket = under_way.swap_remove(which % under_way.len());
                    b.record(ticket, outcome, now);
                    let half_open = open_until.is_some_and(|until| now >= until) && probes > 0;
                    let opened = if half_open {
                        probes -= 1;
                        good_probes += u32::from(outcome == CallOutcome::Success);
                        outcome == CallOutcome::Failure
                    } else {
                        open_until.is_none()
                            && outcome != CallOutcome::Neither
                            && rules.opens(now, outcome == CallOutcome::Failure)
                    };
                    if opened {
                        open_until = Some(now + rules.open_for());
                        (probes, good_probes) = (0, 0);
                        rules.calls.clear();
                        under_way.clear();
                    } else if good_probes == PROBES {
                        (probes, good_probes) = (0, 0);
                        (open_until, rules.openings) = (None, 0);
                        under_way.clear();
                    }
                }
                BreakerStep::End(..) => {}
            }
            let expected = match open_until {
                None => BreakerState::Closed,
                Some(until) if now < until => BreakerState::Open,
                Some(_) => BreakerState::HalfOpen,
            };
            prop_assert_eq!(b.state(now), expected);
        }
    }

    #[test]
    fn a_host_that_answers_is_never_left_alone(
        steps in proptest::collection::vec((0_u64..3000, any::<bool>()), 0..500)
    ) {
        let mut b = breaker(1, 1.0);
        let mut now = Duration::ZERO;
        for (ms, given_up) in steps {
            now += Duration::from_millis(ms);
            let Admission::Go(ticket) = b.admit(now) else { panic!("refused") };
            let outcome = if given_up { CallOutcome::Neither } else { CallOutcome::Success };
            b.record(ticket, outcome, now);
        }
    }
}
