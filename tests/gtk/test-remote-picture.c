/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-remote-picture.c
 *
 * The newest picture of a worker. The tests hand frames over as a receiver does; the last one has a worker. */

#include "config.h"

#include "gtk/ferry-remote-picture.h"
#include "gtk/widget-test.h"

#include <string.h>

#define SIDE 8

typedef struct
{
  FerryTestPipe *pipe;
  FerryRouter *router;
  GtkWidget *picture;
  GtkWidget *window;
} Scene;

static gboolean
scene_init (Scene *scene)
{
  if (!widget_test_has_display ())
    return FALSE;
  scene->router = ferry_test_router_new ();
  scene->pipe = ferry_test_pipe_new (scene->router);
  scene->picture = ferry_remote_picture_new (scene->pipe->receiver);
  scene->window = widget_test_show (scene->picture);
  return TRUE;
}

static void
scene_clear (Scene *scene)
{
  g_object_ref (scene->picture);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (scene->picture);
  ferry_test_pipe_free (scene->pipe);
  ferry_test_router_stop (scene->router);
}

/* Takes the description, and has the widget's receiver say that a buffer has come. */
static void
come (Scene *scene, GVariant *frame, GBytes *bytes)
{
  g_autoptr (GVariant) owned = frame != NULL ? g_variant_ref_sink (frame) : NULL;

  g_signal_emit_by_name (scene->pipe->receiver, "buffer", owned, bytes);
}

static GBytes *
make_bytes (gsize size)
{
  return g_bytes_new_take (g_malloc0 (MAX (size, 1)), size);
}

static void
come_square (Scene *scene, guint side)
{
  g_autoptr (GBytes) bytes = make_bytes (4 * side * side);

  come (scene, g_variant_new ("(uu)", side, side), bytes);
}

static guint
get_width (Scene *scene)
{
  GdkTexture *texture = ferry_test_get_object (scene->picture, "texture");

  return texture != NULL ? (guint) gdk_texture_get_width (texture) : 0;
}

typedef struct
{
  Scene *scene;
  guint width;
} Wanted;

static gboolean
is_shown (gpointer data)
{
  const Wanted *wanted = data;

  return get_width (wanted->scene) == wanted->width;
}

static void
wait_width (Scene *scene, guint width)
{
  Wanted wanted = {scene, width};

  ferry_test_look_until (is_shown, &wanted);
}

static gboolean
has_error (gpointer data)
{
  return ferry_test_get_error (data, "error") != NULL;
}

/* ---- tests ---- */

static void
test_newest_frame_is_shown_and_the_others_are_given_back (void)
{
  Scene scene;
  guint n_textures = 0;

  if (!scene_init (&scene))
    return;
  widget_test_count_notifications (scene.picture, "texture", &n_textures);
  for (guint side = 1; side <= 10; side++)
    come_square (&scene, side);
  g_assert_cmpuint (get_width (&scene), ==, 0);
  wait_width (&scene, 10);
  g_assert_cmpuint (n_textures, ==, 1);
  scene_clear (&scene);
}

static void
note_freed (gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
test_memory_of_a_frame_is_shown_as_it_lies_and_given_back_after_it (void)
{
  static guint32 pixels[SIDE * SIDE];
  gboolean freed = FALSE;
  Scene scene;
  GBytes *bytes;

  if (!scene_init (&scene))
    return;
  bytes = g_bytes_new_with_free_func (pixels, sizeof pixels, note_freed, &freed);
  come (&scene, g_variant_new ("(uu)", SIDE, SIDE), bytes);
  g_bytes_unref (bytes);
  wait_width (&scene, SIDE);
  g_assert_false (freed);
  come_square (&scene, SIDE + 1);
  wait_width (&scene, SIDE + 1);
  ferry_test_wait_flag (&freed);
  scene_clear (&scene);
}

static void
test_nothing_is_computed_while_the_picture_is_hidden (void)
{
  Scene scene;
  guint n_notified = 0;

  if (!scene_init (&scene))
    return;
  come_square (&scene, 1);
  wait_width (&scene, 1);
  gtk_widget_set_visible (scene.picture, FALSE);
  widget_test_count_notifications (scene.picture, NULL, &n_notified);
  for (guint side = 2; side < 6; side++)
    come_square (&scene, side);
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (n_notified, ==, 0);
  gtk_widget_set_visible (scene.picture, TRUE);
  wait_width (&scene, 5);
  scene_clear (&scene);
}

static void
test_frame_that_lies_is_an_error_in_words_until_the_next_good_one (void)
{
  Scene scene;
  GtkWidget *label;
  g_autoptr (GBytes) bytes = make_bytes (4 * SIDE * SIDE);

  if (!scene_init (&scene))
    return;
  come (&scene, g_variant_new ("(uu)", 2 * SIDE, SIDE), bytes);
  ferry_test_look_until (has_error, scene.picture);
  g_assert_error (ferry_test_get_error (scene.picture, "error"), FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  label = widget_test_find_words (scene.window, "The picture cannot be shown");
  g_assert_nonnull (label);
  ferry_test_assert_says (gtk_label_get_text (GTK_LABEL (label)),
                          "8 rows of 64 bytes are more than the 256 bytes that came");
  g_assert_cmpuint (get_width (&scene), ==, 0);
  come_square (&scene, SIDE);
  wait_width (&scene, SIDE);
  g_assert_no_error (ferry_test_get_error (scene.picture, "error"));
  g_assert_null (widget_test_find_words (scene.window, "The picture cannot be shown"));
  scene_clear (&scene);
}

/* What a worker may send; each is refused, and nothing of it is read. */
static void
test_no_description_reads_beyond_the_bytes (void)
{
  static const struct
  {
    const char *frame;
    gsize size;
  } lies[] = {
    {"(uint32 0, uint32 8)", 256},
    {"(uint32 8, uint32 0)", 256},
    {"(uint32 8, uint32 9)", 256},
    {"(uint32 0xffffffff, uint32 0xffffffff)", 256},
    {"(uint32 0x40000001, uint32 1)", 256},
    {"(uint32 0x10000, uint32 0x10000)", 256},
    {"(uint32 16385, uint32 1)", 16385 * 4},
    {"(uint32 1, uint32 16385)", 16385 * 4},
    {"(uint32 8, uint32 8)", 0},
    {"(uint32 8, uint32 8, uint32 31, 'b8g8r8a8')", 256},
    {"(uint32 8, uint32 8, uint32 33, 'b8g8r8a8')", 256},
    {"(uint32 8, uint32 8, uint32 0, 'b8g8r8a8')", 256},
    {"(uint32 8, uint32 8, uint32 0xffffffff, 'b8g8r8a8')", 256},
    {"(uint32 4, uint32 2, uint32 33, 'r16g16b16a16')", 256},
    {"(uint32 4, uint32 2, uint32 66, 'r32g32b32a32-float')", 256},
    {"(uint32 8, uint32 8, uint32 32, 'n-formats')", 256},
    {"(uint32 8, uint32 8, uint32 32, '')", 256},
    {"(uint32 8, uint32 8, uint32 32, 'jpeg')", 256},
    {"(8, 8)", 256},
    {"'8 x 8'", 256},
    {"{'width': <uint32 8>}", 256},
  };

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autoptr (GVariant) frame = g_variant_ref_sink (g_variant_new_parsed (lies[i].frame));
      g_autoptr (GBytes) bytes = make_bytes (lies[i].size);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", lies[i].frame);
      g_assert_null (ferry_remote_picture_make_texture (frame, bytes, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
    }
}

static void
test_frame_without_description_is_refused (void)
{
  g_autoptr (GBytes) bytes = make_bytes (256);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_remote_picture_make_texture (NULL, bytes, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

/* A red pixel at the end of the last row, in each of the formats that say so by their name. */
static void
test_formats_and_strides_are_those_of_the_description (void)
{
  static const struct
  {
    const char *format;
    guint pixel_size;
    guint8 red[4];
  } formats[] = {
    {"b8g8r8a8-premultiplied", 4, {0, 0, 255, 255}},
    {"a8r8g8b8", 4, {255, 255, 0, 0}},
    {"r8g8b8a8", 4, {255, 0, 0, 255}},
    {"r8g8b8", 3, {255, 0, 0}},
    {"b8g8r8", 3, {0, 0, 255}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      const guint width = 3, height = 2, stride = width * formats[i].pixel_size + 5;
      guint8 *data = g_malloc0 (stride * height);
      g_autoptr (GVariant) frame =
        g_variant_ref_sink (g_variant_new ("(uuus)", width, height, stride, formats[i].format));
      g_autoptr (GBytes) bytes = g_bytes_new_take (data, stride * height);
      g_autoptr (GdkTexture) texture = NULL;
      g_autoptr (GError) error = NULL;
      guint32 pixels[6];

      memcpy (data + stride + 2 * formats[i].pixel_size, formats[i].red, formats[i].pixel_size);
      texture = ferry_remote_picture_make_texture (frame, bytes, &error);
      g_assert_no_error (error);
      gdk_texture_download (texture, (guchar *) pixels, width * sizeof (guint32));
      g_assert_cmphex (pixels[5], ==, 0xffff0000);
    }
}

static void
test_picture_has_a_name_for_those_who_do_not_see_it (void)
{
  Scene scene;

  if (!scene_init (&scene))
    return;
  g_object_set (scene.picture, "alternative-text", "Rings", NULL);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene.picture), GTK_ACCESSIBLE_PROPERTY_LABEL, "Rings");
  g_assert_cmpstr (ferry_test_get_string (scene.picture, "alternative-text"), ==, "Rings");
  scene_clear (&scene);
}

/* The obedient worker describes its buffers by numbers, which are no pictures. */
static void
test_worker_whose_buffers_are_no_pictures_is_told_of (void)
{
  Scene scene;
  g_autoptr (FerryWorker) worker = NULL;

  if (!scene_init (&scene))
    return;
  worker = ferry_test_spawn_obedient (scene.router, scene.pipe, "buffer:256", NULL);
  ferry_test_look_until (has_error, scene.picture);
  widget_test_wait_words (scene.window, "A picture is described by '(uu)' or '(uuus)', and not by 'u'");
  ferry_test_pipe_wait_closed (scene.pipe);
  ferry_test_wait_ended (worker);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  widget_test_init (&argc, &argv);
  g_test_add_func ("/remote-picture/newest-frame-is-shown-and-the-others-are-given-back",
                   test_newest_frame_is_shown_and_the_others_are_given_back);
  g_test_add_func ("/remote-picture/memory-of-a-frame-is-shown-as-it-lies-and-given-back-after-it",
                   test_memory_of_a_frame_is_shown_as_it_lies_and_given_back_after_it);
  g_test_add_func ("/remote-picture/nothing-is-computed-while-the-picture-is-hidden",
                   test_nothing_is_computed_while_the_picture_is_hidden);
  g_test_add_func ("/remote-picture/frame-that-lies-is-an-error-in-words-until-the-next-good-one",
                   test_frame_that_lies_is_an_error_in_words_until_the_next_good_one);
  g_test_add_func ("/remote-picture/no-description-reads-beyond-the-bytes", test_no_description_reads_beyond_the_bytes);
  g_test_add_func ("/remote-picture/frame-without-description-is-refused", test_frame_without_description_is_refused);
  g_test_add_func ("/remote-picture/formats-and-strides-are-those-of-the-description",
                   test_formats_and_strides_are_those_of_the_description);
  g_test_add_func ("/remote-picture/picture-has-a-name-for-those-who-do-not-see-it",
                   test_picture_has_a_name_for_those_who_do_not_see_it);
  g_test_add_func ("/remote-picture/worker-whose-buffers-are-no-pictures-is-told-of",
                   test_worker_whose_buffers_are_no_pictures_is_told_of);
  return g_test_run ();
}
