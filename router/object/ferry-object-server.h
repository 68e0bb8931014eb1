/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-objects.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "object/ferry-exporter.h"

G_BEGIN_DECLS

/**
 * FerryObjectServerFuncs:
 * @initialise: (nullable): called once, before the other functions: exports the objects; if it returns %FALSE with an
 * error, serving ends
 * @turn: (nullable): called once at the beginning, and then each time that requests were answered. It returns the
 * microseconds after which it is called again when no request comes; a negative number: it is called only after a
 * request; %G_MININT64: serving ends
 * @clean_up: (nullable): called once, after the other functions, also when @initialise failed
 *
 * The functions of a worker that only serves its objects.
 */
typedef struct
{
  gboolean (*initialise) (FerryExporter *exporter, gpointer user_data, GError **error);
  gint64 (*turn) (FerryExporter *exporter, gpointer user_data);
  void (*clean_up) (FerryExporter *exporter, gpointer user_data);
} FerryObjectServerFuncs;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_serve_objects (FerryTransport *transport, const FerryObjectServerFuncs *funcs, gpointer user_data,
                              GError **error);

G_END_DECLS
