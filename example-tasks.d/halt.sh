#!/bin/sh
# The halt task, never part of the chain. A real one might switch the machine off or
# give it back to the cloud; this one only says so.

case ${RUNNER_HALT_REASON:-} in
halted) why="the task ${RUNNER_TASK:-} asked for it" ;;
gave-up) why="the tries were used up by ${RUNNER_TASK:-} (${RUNNER_OUTCOME:-})" ;;
halt-after) why="all is done and -H asked for it" ;;
*) why="somebody started it" ;;
esac

echo "This is the halt task, because $why."
echo "Here it would say: shutdown -h now. It does nothing."
