/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib-object.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_PINGEE (ferry_pingee_get_type ())

/**
 * FerryPingee:
 *
 * A callback on a main context that any thread can trigger by a ping.
 */
typedef struct _FerryPingee FerryPingee;

/**
 * FerryPingeeFunc:
 * @user_data: the data given to [ctor@Ferry.Pingee.new]
 *
 * Called on the main context after one or more pings.
 *
 * Returns: %TRUE when there is more to do: the function is then called again in the context's next iteration, without a
 *   ping; %FALSE to wait for the next ping
 */
typedef gboolean (*FerryPingeeFunc) (gpointer user_data);

FERRY_AVAILABLE_IN_0_1
GType ferry_pingee_get_type (void);

FERRY_AVAILABLE_IN_0_1
FerryPingee *ferry_pingee_new (int priority, gint64 ageing, FerryPingeeFunc func, gpointer user_data,
                               GDestroyNotify destroy) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_pingee_unref (FerryPingee *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_pingee_connect (FerryPingee *self, GMainContext *context, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_pingee_disconnect (FerryPingee *self);
FERRY_AVAILABLE_IN_0_1
void ferry_pingee_ping (FerryPingee *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPingee, ferry_pingee_unref)

G_END_DECLS
