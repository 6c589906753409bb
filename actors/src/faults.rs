//! Faults in the actors themselves, on purpose: for tests, behind the feature `testing`.

use actix::{Handler, Message};

use crate::component::ComponentActor;
use crate::feedback::FeedbackActor;
use crate::handle::Handle;
use crate::health::monitor::MonitorActor;
use crate::supervisor::SupervisorActor;

/// An actor that can be made to panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// A component's actor, by index.
    Component(usize),
    /// The supervisor.
    Supervisor,
    /// The health monitor.
    Monitor,
    /// The analytics loop.
    Feedback,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

/// Makes an actor panic the next time it looks into its mailbox.
pub fn panic_in(handle: &Handle, victim: Victim) {
    let kernel = handle.kernel();
    match victim {
        Victim::Component(index) => {
            if let Some(component) = kernel.components.get(index) {
                component.address().do_send(Panic);
            }
        }
        Victim::Supervisor => kernel.supervisor.address().do_send(Panic),
        Victim::Monitor => kernel.monitor.address().do_send(Panic),
        Victim::Feedback => kernel.feedback.address().do_send(Panic),
    }
}

macro_rules! panics {
    ($($actor:ty),*) => {$(
        impl Handler<Panic> for $actor {
            type Result = ();

            fn handle(&mut self, _: Panic, _: &mut Self::Context) {
                panic!("on purpose, in {}", stringify!($actor));
            }
        }
    )*};
}

panics!(ComponentActor, SupervisorActor, MonitorActor, FeedbackActor);
