#![allow(clippy::unwrap_used)]
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::join_all;

use super::*;
use crate::error::{Error, ErrorCode, Result};
use crate::resilience::ScriptedClock;

fn limits(config: &ParallelConfig) -> HostLimits {
    HostLimits::from(config)
}

fn hosts(config: &ParallelConfig) -> (Hosts, ScriptedClock) {
    let clock = ScriptedClock::new();
    (Hosts::with_clock(limits(config), Arc::new(clock.clone())), clock)
}

fn key(url: &str) -> HostKey {
    HostKey::of(url).unwrap()
}

fn dead() -> Error {
    Error::new(ErrorCode::SourceUnreachable, "no answer")
}

#[tokio::test]
async fn a_thousand_calls_to_a_dead_host_are_few_attempts_and_another_host_is_not_affected() {
    let (hosts, _clock) = hosts(&ParallelConfig::default());
    let (dead_host, other) = (hosts.guard(&key("http://dead/")), hosts.guard(&key("http://ok/")));
    let calls = join_all((0..1000).map(|_| {
        dead_host.call(|| async {
            tokio::task::yield_now().await;
            Err::<(), _>(dead())
        })
    }));
    let fine = join_all((0..100).map(|_| other.call(|| async { Ok(()) })));
    let (failed, fine) = tokio::join!(calls, fine);
    assert!(fine.iter().all(Result::is_ok));
    assert!(failed.iter().all(|r| r.as_ref().unwrap_err().code() == ErrorCode::SourceUnreachable));
    let snapshot = hosts.snapshot();
    let [gone, up] = snapshot.as_slice() else { unreachable!("two hosts: {snapshot:?}") };
    assert_eq!((gone.state, gone.calls), (BreakerState::Open, 1000));
    assert!(gone.attempts <= 27, "the threshold and running calls: {gone:?}");
    assert_eq!(gone.attempts + gone.refused, 1000);
    assert_eq!((up.state, up.attempts, up.failures), (BreakerState::Closed, 100, 0));
}

#[tokio::test]
async fn a_recovered_host_is_probed_three_times_and_then_serves_all() {
    let config = ParallelConfig { failure_threshold: 2, ..Default::default() };
    let (hosts, clock) = hosts(&config);
    let guard = hosts.guard(&key("http://a/"));
    for _ in 0..2 {
        guard.call(|| async { Err::<(), _>(dead()) }).await.unwrap_err();
    }
    let refused = guard.call(|| async { Ok(()) }).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(10)));
    clock.advance(Duration::from_secs(10));
    let at_once = AtomicUsize::new(0);
    let calls = join_all((0..50).map(|_| {
        guard.call(|| async {
            let state = hosts.snapshot()[0].state;
            if state == BreakerState::HalfOpen {
                assert!(at_once.fetch_add(1, Ordering::Relaxed) < 3);
            }
            tokio::task::yield_now().await;
            Ok(())
        })
    }));
    assert!(calls.await.iter().all(Result::is_ok));
    assert_eq!(hosts.snapshot()[0].state, BreakerState::Closed);
}

#[tokio::test]
async fn a_dropped_probe_admits_the_next_one() {
    let config = ParallelConfig { failure_threshold: 1, ..Default::default() };
    let (hosts, clock) = hosts(&config);
    let guard = hosts.guard(&key("http://a/"));
    guard.call(|| async { Err::<(), _>(dead()) }).await.unwrap_err();
    clock.advance(Duration::from_secs(10));
    let mut probes: Vec<_> =
        (0..3).map(|_| Box::pin(guard.call(futures::future::pending::<Result<()>>))).collect();
    for probe in &mut probes {
        assert!(probe.now_or_never().is_none());
    }
    let mut waiting = Box::pin(guard.call(|| async { Ok(()) }));
    assert!((&mut waiting).now_or_never().is_none());
    probes.pop();
    waiting.await.unwrap();
    assert_eq!(hosts.snapshot()[0].failures, 1, "given up is no failure");
}

#[tokio::test]
async fn a_requested_pause_holds_for_all_callers() {
    let (hosts, clock) = hosts(&ParallelConfig::default());
    let guard = hosts.guard(&key("http://a/"));
    let busy = |seconds| {
        Error::new(ErrorCode::SourceThrottled, "x").with_retry_after(Duration::from_secs(seconds))
    };
    guard.call(|| async { Err::<(), _>(busy(7)) }).await.unwrap_err();
    let mut waiting = Box::pin(guard.call(|| async { Ok(()) }));
    assert!((&mut waiting).now_or_never().is_none());
    clock.advance(Duration::from_secs(6));
    assert!((&mut waiting).now_or_never().is_none());
    clock.advance(Duration::from_secs(1));
    waiting.await.unwrap();
    assert_eq!(hosts.snapshot()[0].failures, 0, "an answer is no failure");
    // A pause longer than the limit fails at once.
    guard.call(|| async { Err::<(), _>(busy(3600)) }).await.unwrap_err();
    let refused = guard.call(|| async { Ok(()) }).now_or_never().unwrap().unwrap_err();
    assert_eq!(refused.code(), ErrorCode::SourceThrottled);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(3600)));
}

#[tokio::test]
async fn no_more_than_eight_at_a_time_and_half_of_all_fetches_go_to_one_host() {
    assert_eq!(limits(&ParallelConfig::default()).concurrency, 8);
    let few = ParallelConfig { max_fetches: 4, ..Default::default() };
    assert_eq!(limits(&few).concurrency, 2);
    let (hosts, _clock) = hosts(&few);
    let fetch = |url: &str| {
        let guard = hosts.guard(&key(url));
        async move {
            let forever = |slot| async move {
                let _slot: FetchSlot = slot;
                futures::future::pending::<Result<()>>().await
            };
            guard.fetch(forever).await
        }
        .boxed()
    };
    let mut calls: Vec<_> =
        (0..9).map(|i| fetch(["http://a/", "http://b/", "http://c/"][i / 3])).collect();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    let under_way: Vec<u64> = hosts.snapshot().iter().map(|h| h.under_way).collect();
    assert_eq!(under_way, [2, 2, 0]);
    drop(calls.remove(0));
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    let under_way: Vec<u64> = hosts.snapshot().iter().map(|h| h.under_way).collect();
    assert_eq!(under_way, [1, 2, 1], "the one who waited longest is next");
}

#[tokio::test]
async fn a_held_fetch_slot_delays_fetches_and_no_other_calls() {
    let (hosts, _clock) = hosts(&ParallelConfig { max_fetches: 1, ..Default::default() });
    let guard = hosts.guard(&key("http://a/"));
    let slot = guard.fetch(|slot| async { Ok(slot) }).await.unwrap();
    let mut next = Box::pin(guard.fetch(|slot| async { Ok(slot) }));
    assert!((&mut next).now_or_never().is_none());
    drop(slot);
    next.await.unwrap();
}

#[tokio::test]
async fn the_rate_limit_is_per_host() {
    let (hosts, clock) = hosts(&ParallelConfig { rate_limit_per_host: 2.0, ..Default::default() });
    let (a, b) = (hosts.guard(&key("http://a/")), hosts.guard(&key("http://b/")));
    let mut calls: Vec<_> = (0..6).map(|_| Box::pin(a.call(|| async { Ok(()) }))).collect();
    let mut done = move || {
        calls.retain_mut(|call| call.now_or_never().is_none());
        6 - calls.len()
    };
    assert_eq!(done(), 1);
    assert!(b.call(|| async { Ok(()) }).now_or_never().is_some());
    clock.advance(Duration::from_millis(500));
    assert_eq!(done(), 2);
    clock.advance(Duration::from_millis(400));
    assert_eq!(done(), 2);
    clock.advance(Duration::from_millis(100));
    assert_eq!(done(), 3);
}

#[tokio::test]
async fn rejecting_answers_do_not_count_as_failures() {
    let config = ParallelConfig { failure_threshold: 1, ..Default::default() };
    let (hosts, _clock) = hosts(&config);
    let guard = hosts.guard(&key("http://a/"));
    let harmless = [
        ErrorCode::SourceNotFound,
        ErrorCode::SourceForbidden,
        ErrorCode::SourceTooLarge,
        ErrorCode::SourceThrottled,
        ErrorCode::SourceUnsupported,
        ErrorCode::MediaCorrupt,
        ErrorCode::StoreWrite,
        ErrorCode::Cancelled,
    ];
    for code in harmless {
        guard.call(|| async move { Err::<(), _>(Error::new(code, "x")) }).await.unwrap_err();
    }
    assert_eq!(hosts.snapshot()[0].state, BreakerState::Closed);
    let cut = Error::new(ErrorCode::SourceTruncated, "x").with_retry_after(Duration::ZERO);
    guard.call(|| async { Err::<(), _>(cut) }).await.unwrap_err();
    assert_eq!(hosts.snapshot()[0].state, BreakerState::Open);
}

#[tokio::test]
async fn healthy_hosts_beyond_the_limit_are_forgotten() {
    let (hosts, _clock) = hosts(&ParallelConfig::default());
    let sick = hosts.guard(&key("http://sick/"));
    sick.call(|| async { Err::<(), _>(dead()) }).await.unwrap_err();
    drop(sick);
    let held = hosts.guard(&key("http://held/"));
    for i in 0..MAX_HOSTS {
        hosts.guard(&key(&format!("http://{i}/"))).call(|| async { Ok(()) }).await.unwrap();
    }
    let known = hosts.snapshot();
    assert!(known.len() < 10, "{}", known.len());
    assert!(known.iter().any(|h| h.host == "http://sick:80" && h.failures == 1));
    assert!(known.iter().any(|h| h.host == "http://held:80"));
    drop(held);
}

#[tokio::test]
async fn without_a_breaker_all_calls_are_admitted() {
    let config = ParallelConfig { circuit_breaker_enabled: false, ..Default::default() };
    let (hosts, _clock) = hosts(&config);
    let guard = hosts.guard(&key("http://a/"));
    for _ in 0..100 {
        guard.call(|| async { Err::<(), _>(dead()) }).await.unwrap_err();
    }
    assert_eq!(hosts.snapshot()[0].attempts, 100);
}

#[tokio::test]
async fn retries_are_counted_and_run_out() {
    let (hosts, _clock) = hosts(&ParallelConfig::default());
    let host = key("http://a/");
    let granted = (0..50).filter(|_| hosts.may_retry(&host)).count();
    assert_eq!(granted, 10);
    for _ in 0..10 {
        hosts.guard(&host).call(|| async { Ok(()) }).await.unwrap();
    }
    assert_eq!((0..50).filter(|_| hosts.may_retry(&host)).count(), 2);
    assert_eq!(hosts.snapshot()[0].retries, 12);
    // What waits for the breaker adds no load: it is not charged.
    while hosts.snapshot()[0].state == BreakerState::Closed {
        hosts.guard(&host).call(|| async { Err::<(), _>(dead()) }).await.unwrap_err();
    }
    assert_eq!((0..50).filter(|_| hosts.may_retry(&host)).count(), 50);
}
