/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cuts what a program prints into pieces: what a person at a terminal would have read in a line before the program
 * wrote over it. See the head of the .c file. One thread at a time. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The bytes of a piece that are kept; what is beyond them is left out. */
#define PROGRESS_MAX_PIECE (16 * 1024)

typedef struct _ProgressPieces ProgressPieces;

/* A piece, without blanks around it, and never empty. Its bytes have no control characters and no terminal sequences,
 * and may be no UTF-8. They are for the time of the call, and do not end in a zero.
 *
 * Returns FALSE to be given the piece once more when it has ended. */
typedef gboolean (*ProgressPieceFunc) (const char *piece, gsize length, gpointer data);

ProgressPieces *progress_pieces_new (void) G_GNUC_WARN_UNUSED_RESULT;
void progress_pieces_free (ProgressPieces *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProgressPieces, progress_pieces_free)

/* Any thread: returns the bytes as UTF-8: what is none is taken for text of the locale that programs are started in. */
char *progress_pieces_dup_text (const char *bytes, gsize length) G_GNUC_WARN_UNUSED_RESULT;

void progress_pieces_feed (ProgressPieces *self, const char *bytes, gsize length, ProgressPieceFunc take,
                           gpointer data);
void progress_pieces_flush (ProgressPieces *self, ProgressPieceFunc take, gpointer data);

/* Whether the piece that is given is one that the program draws over: where it begins, the program went back. */
gboolean progress_pieces_is_drawn_over (const ProgressPieces *self);

G_END_DECLS
