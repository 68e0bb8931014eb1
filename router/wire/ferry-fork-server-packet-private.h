/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets between an application and its fork server. The application's functions are for the monitor, but any
 * thread may make a request. */

#pragma once

#include "wire/ferry-handshake-private.h"

G_BEGIN_DECLS

typedef struct _FerryStartRequest FerryStartRequest;

FerryStartRequest *ferry_start_request_new (guint32 flags, GVariant *attributes, const char *name, const char *cwd,
                                            const char *const *environment, int fds[FERRY_START_MAX_DESCRIPTORS],
                                            GError **error);
void ferry_start_request_free (FerryStartRequest *self);
int ferry_start_request_send (FerryStartRequest *self, int control, guint64 id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryStartRequest, ferry_start_request_free)

/* A request to start a worker, as the fork server reads it. */
typedef struct
{
  guint64 id;
  guint32 flags;
  guint8 *attributes; /* (owned): attributes_size bytes, which the layer above knows */
  gsize attributes_size;
  char *name;         /* (owned) */
  char *cwd;          /* (owned): empty: the fork server's own */
  char **environment; /* (owned) (nullable): NULL: the fork server's own */
  int control;        /* (owned): the worker's end of its control socket */
  int streams[3];     /* (owned): the standard streams 0 to 2; -1 for a stream that the request does not contain */
} FerryStartOrder;

FerryControlEvent ferry_start_order_receive (FerryStartOrder *self, int control, guint8 *buffer, GError **error);
guint64 ferry_start_order_peek (int control);
void ferry_start_order_clear (FerryStartOrder *self);

/* An answer of the fork server. A comment names the kinds that have the field. */
typedef struct
{
  FerryControlKind kind;
  guint64 id;
  guint32 pid; /* STARTED and FAILED */
  /* STARTED: (owned); ferry_pidfd_is_child() must check that it is the worker's pidfd */
  int pidfd;
  gboolean lost_pidfd; /* STARTED: this process had no descriptor left for it, and pidfd is -1 */
  int code;            /* ENDED */
  int status;          /* ENDED */
  int error_number;    /* FAILED */
  /* STARTED and FAILED: zero-terminated; may contain any other bytes. STARTED: why the worker was executed, or empty */
  char text[FERRY_MAX_FAILURE_TEXT + 1];
} FerryForkServerAnswer;

gboolean ferry_fork_server_send_started (int control, guint64 id, GPid pid, int pidfd, const char *why_executed);
gboolean ferry_fork_server_send_failed (int control, guint64 id, GPid pid, int error_number, const char *text);
gboolean ferry_fork_server_send_ended (int control, guint64 id, int code, int status);
FerryControlEvent ferry_fork_server_answer_receive (FerryForkServerAnswer *self, int control, GError **error);

G_END_DECLS
