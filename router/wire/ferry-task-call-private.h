/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a task adds to the call that its worker serves: the senders by which that answers, flags, and two errors that
 * both ends know. */

#pragma once

/* The names of the two senders that a worker must be passed to serve calls. */
#define FERRY_CALLS_SENDER "ferry.calls"
#define FERRY_PROGRESS_SENDER "ferry.progress"

/* A flag of a request: an earlier attempt at its task may have begun. */
#define FERRY_CALL_REPEATED (1 << 3)
/* The bit at which the kind of task (FerryTaskKind) begins in the flags of a request; it has two bits. */
#define FERRY_CALL_KIND_SHIFT 4
/* Flags of a request: the last of its descriptors is the socket for those that the function returns; and the last one
 * but that, the socket with answers to what it asks. */
#define FERRY_CALL_ANSWERS (1 << 6)
#define FERRY_CALL_RETURNS (1 << 7)

/* What a function is told after a cancel, and after the deadline. The application knows by it that the function has
 * heard of that. What a function puts behind it, such as "; 'out' may be damaged", is what its user has to know. */
#define FERRY_JOB_CANCELLED_MESSAGE "The job was cancelled; return from the function"
#define FERRY_JOB_LATE_MESSAGE "The deadline of the job has passed; return from the function"
