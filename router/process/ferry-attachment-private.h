/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker process's hold on its application: the senders that it was passed, and its downlink. For what runs in the
 * worker; the process keeps it until its end.
 *
 * Threads: any; a lock guards it. */

#pragma once

#include "link/ferry-downlink-private.h"
#include "process/ferry-worker.h"

G_BEGIN_DECLS

/* What reads the process's down lane. A lane has one reader: the first one that takes the downlink keeps it until the
 * process ends. */
typedef enum
{
  FERRY_DOWNLINK_UNREAD,
  FERRY_DOWNLINK_SERVES,     /* the code that serves the tasks of a pool */
  FERRY_DOWNLINK_TRANSPORTS, /* the thread that reads for the transports */
} FerryDownlinkReader;

/* The environment variable that makes a program a fork server. */
#define FERRY_FORK_SERVER_VARIABLE "FERRY_FORK_SERVER"

/* any: whether this process is a worker that has attached, or can attach. Does not attach. */
gboolean ferry_attachment_is_possible (void);
/* any: whether this process was started as a fork server, and is none yet. It cannot attach: its workers do. */
gboolean ferry_attachment_is_of_fork_server (void);

/* any: whether this process may start workers. A program that is its own worker program, and does not notice that it
 * runs as a worker, would start itself without end. So this fails with FERRY_ERROR_NOT_A_WORKER in a process that was
 * started as a worker and has not attached, or has taken nothing of what it was passed; and tells the application so.
 * Fails with FERRY_ERROR_LAUNCH_FAILED in the last of many applications of which each is a worker of the one before. */
gboolean ferry_attachment_check_may_start (GError **error);
/* any: how many applications are above this process, each of which is a worker of the next. */
guint ferry_attachment_get_depth (void);
/* any: the process whose worker this one is, which may have ended; this one if it is none's. */
pid_t ferry_attachment_get_application (void);

/* any: the first call of one of these functions attaches the process to its application, or fails to. */

/* (transfer full) */
FerrySender *ferry_attachment_get_sender (const char *name, GError **error);
gboolean ferry_attachment_has_sender (const char *name);
/* (transfer none): returns the downlink, which lives until the process ends. */
FerryDownlink *ferry_attachment_get_downlink (GError **error);
/* Does what ferry_attachment_get_downlink() does, and makes reader the only reader of the downlink. Fails with
 * FERRY_ERROR_ALREADY_RUNNING when the downlink has another reader, and with FERRY_ERROR_UNKNOWN_SENDER when the
 * application passed no sender named sender_name. */
FerryDownlink *ferry_attachment_take_downlink (FerryDownlinkReader reader, const char *sender_name, GError **error);
/* (transfer full): returns the names of the passed senders that begin with prefix. */
GStrv ferry_attachment_list_senders (const char *prefix);

/* Takes the control socket, receives the welcome from it, and makes this process end with the application. Returns the
 * socket, or -1 with an error. The descriptors *memory and *doorbell become the caller's. */
int ferry_attachment_begin (FerryWelcome *welcome, int *memory, int *doorbell, int *arena, GError **error);

G_END_DECLS
