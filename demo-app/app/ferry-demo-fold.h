/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Two widgets beside each other, where there is room for both. In a narrow window they fold: the side goes below the
 * main one, or is not shown.
 *
 * Property "main", "side":    the widgets; the main one gets the width that is left
 * Property "least-width":     of the fold, from which on both are beside each other
 * Property "side-first":      the side is before the main one
 * Property "hides":           the side is not shown where it folds
 * Property "even":            both are equally wide
 * Property "folded":          read only; changes between frames, so that a handler may change what is visible */

#define FERRY_DEMO_TYPE_FOLD (ferry_demo_fold_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoFold, ferry_demo_fold, FERRY_DEMO, FOLD, GtkWidget)

G_END_DECLS
