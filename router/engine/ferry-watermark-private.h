/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The watermark: whether all that had come at a time is in the local queue. */

#pragma once

#include "engine/ferry-visits-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 latest;          /* router's thread: the number of the latest watermark */
  guint64 wanted;          /* monitor, as the next three: the number of the latest watermark that was begun */
  guint64 number;          /* the number of the present watermark */
  guint rounds;            /* rounds of the monitor until the watermark is set up */
  gboolean is_open;        /* the watermark is set up and not yet reached */
  _Atomic guint64 reached; /* any: the number of the latest watermark that was reached */
  _Atomic guint64 pushed;  /* any: how many blocks had been pushed when it was reached */
} FerryWatermark;

/* The monitor: begins a watermark, now or when an earlier one is reached. */
void ferry_watermark_begin (FerryWatermark *self, FerryVisits *visits, guint64 number);
/* The monitor, in each round: before the visits, sets the watermark up; and after them, returns whether it is reached
 * now.
 */
void ferry_watermark_set_up_if_due (FerryWatermark *self, FerryVisits *visits);
gboolean ferry_watermark_look (FerryWatermark *self, FerryVisits *visits);

G_END_DECLS
