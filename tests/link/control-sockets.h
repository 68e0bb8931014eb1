/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pair of control sockets, with both of its ends in this process. */

#pragma once

#include "ferry-test.h"

#include "base/ferry-base-private.h"
#include "wire/ferry-handshake-private.h"

G_BEGIN_DECLS

typedef struct
{
  int application;
  int peer; /* the end of a worker or of a fork server */
  guint n_fds;
} Sockets;

static inline void
sockets_init (Sockets *self)
{
  g_autoptr (GError) error = NULL;

  self->n_fds = ferry_test_count_fds ();
  ferry_control_socket_pair (&self->application, &self->peer, &error);
  g_assert_no_error (error);
}

/* Nothing that came over the sockets is left open. */
static inline void
sockets_clear (Sockets *self)
{
  ferry_clear_fd (&self->application);
  ferry_clear_fd (&self->peer);
  g_assert_cmpuint (ferry_test_count_fds (), ==, self->n_fds);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sockets, sockets_clear)

G_END_DECLS
