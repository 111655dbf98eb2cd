#!/bin/sh
# The halt task, which is never part of the chain. A real one could switch the machine off
# or return it to the cloud. This one only prints a message.

case ${RUNNER_HALT_REASON:-} in
halted) why="the task ${RUNNER_TASK:-} requested it" ;;
gave-up) why="the tries were used up by ${RUNNER_TASK:-} (${RUNNER_OUTCOME:-})" ;;
out-of-time) why="the run was out of time at ${RUNNER_TASK:-}" ;;
halt-after) why="all is done and -H requested it" ;;
*) why="it was started by hand" ;;
esac

echo "This is the halt task, because $why."
echo "Here it would say: shutdown -h now. It does nothing."
