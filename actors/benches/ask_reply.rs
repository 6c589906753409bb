//! A question through the port against a bare actix message: permit, reply channel and deadline may cost at most as
//! much again.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler, Message, System};
use criterion::{Criterion, criterion_group, criterion_main};
use souffleur_actors::port::{Ask, Port, Request};

struct Echo;

impl Actor for Echo {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(u64)]
struct Bare(u64);

impl Handler<Bare> for Echo {
    type Result = u64;

    fn handle(&mut self, message: Bare, _: &mut Self::Context) -> u64 {
        message.0
    }
}

struct Asked(u64);

impl Ask for Asked {
    type Reply = u64;
}

impl Handler<Request<Asked>> for Echo {
    type Result = ();

    fn handle(&mut self, request: Request<Asked>, _: &mut Self::Context) {
        request.reply.send(request.message.0);
    }
}

/// Time of `iterations` rounds of `round` on one thread.
#[expect(clippy::disallowed_methods, reason = "a benchmark's edge")]
fn timed<F: Future<Output = u64>>(system: &actix::SystemRunner, iterations: u64, round: impl Fn(u64) -> F) -> Duration {
    system.block_on(async {
        let before = Instant::now();
        for i in 0..iterations {
            assert_eq!(round(i).await, i);
        }
        before.elapsed()
    })
}

fn ask_reply(criterion: &mut Criterion) {
    let system = System::new();
    let (address, port) = system.block_on(async {
        let address = Echo.start();
        (address.clone(), Port::new(address, 64, 100))
    });
    let mut group = criterion.benchmark_group("ask_reply");
    group.bench_function("actix_send", |bencher| {
        bencher.iter_custom(|n| {
            timed(&system, n, |i| {
                let sent = address.send(Bare(i));
                async move { sent.await.unwrap() }
            })
        });
    });
    group.bench_function("port_ask", |bencher| {
        bencher.iter_custom(|n| {
            timed(&system, n, |i| {
                let answer = port.ask(Asked(i)).unwrap();
                async move { answer.await.unwrap() }
            })
        });
    });
    group.bench_function("port_ask_with_deadline", |bencher| {
        bencher.iter_custom(|n| {
            timed(&system, n, |i| {
                let answer = port.ask(Asked(i)).unwrap().within(Duration::from_secs(1));
                async move { answer.await.unwrap() }
            })
        });
    });
    group.finish();
}

criterion_group!(benches, ask_reply);
criterion_main!(benches);
