/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "call/ferry-mux-private.h"

G_BEGIN_DECLS

struct _FerryMux
{
  GObject parent_instance;

  FerryTransport *transport;       /* const: (owned) */
  FerryTransactions *transactions; /* const: (unowned): the transport's */

  GMutex lock;
  GError *stopped; /* lock to set, once: (owned) (nullable) */
  _Atomic gboolean is_stopped;
};

/* any: FALSE with FERRY_ERROR_CLOSED once it was stopped. */
gboolean ferry_mux_check_running (FerryMux *self, GError **error);

G_END_DECLS
