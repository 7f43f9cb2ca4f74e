namespace Lathe.Runtime.Tests;

public sealed class ImageMapTests
{
    [TestCase(1280, 720, 416, 416, 0, 91, 416, 234)]
    [TestCase(720, 1280, 416, 416, 91, 0, 234, 416)]
    [TestCase(640, 480, 320, 240, 0, 0, 320, 240)]
    [TestCase(100, 100, 320, 240, 40, 0, 240, 240)]
    [TestCase(333, 100, 64, 64, 0, 22, 64, 19)]
    [TestCase(10000, 1, 64, 64, 0, 31, 64, 1)]
    [TestCase(1, 1, 7, 4, 1, 0, 4, 4)]
    public void Letterbox_LiesInTheMiddle(int sourceWidth, int sourceHeight, int width, int height, int left, int top, int fittedWidth, int fittedHeight)
    {
        ImageMap map = ImageMap.Letterbox(sourceWidth, sourceHeight, width, height);
        Assert.That((map.Left, map.Top, map.Width, map.Height), Is.EqualTo((left, top, fittedWidth, fittedHeight)));
    }

    [TestCase(1280, 720, 416, 416, -162, 0, 740, 416)]
    [TestCase(720, 1280, 416, 416, 0, -162, 416, 740)]
    [TestCase(640, 480, 320, 240, 0, 0, 320, 240)]
    public void Crop_CutsBothSidesAlike(int sourceWidth, int sourceHeight, int width, int height, int left, int top, int fittedWidth, int fittedHeight)
    {
        ImageMap map = ImageMap.Crop(sourceWidth, sourceHeight, width, height);
        Assert.That((map.Left, map.Top, map.Width, map.Height), Is.EqualTo((left, top, fittedWidth, fittedHeight)));
    }

    [Test]
    public void ToSource_OfWhereTheImageLies_IsTheImage()
    {
        ImageMap map = ImageMap.Letterbox(1280, 720, 416, 416);
        Assert.That(map.ToSource(0, 91), Is.EqualTo((0.0, 0.0)));
        Assert.That(map.ToSource(416, 91 + 234), Is.EqualTo((1280.0, 720.0)));
        Assert.That(map.ToSource(208, 208), Is.EqualTo((640.0, 360.0)));
        Assert.That(map.ToSource(-10, 0, 1000, 1000), Is.EqualTo((0.0, 0.0, 1280.0, 720.0)), "a box is cut off at the image's edges");
        Assert.That(map.ToSource(-10, 0).X, Is.Negative, "a point is not");
    }

    [Test]
    public void ToSource_IsTheInverseOfFromSource()
    {
        Random random = new(1);
        for (int i = 0; i < 10_000; i++)
        {
            (int w, int h, int width, int height) = (random.Next(2, 4000), random.Next(2, 4000), random.Next(2, 700), random.Next(2, 700));
            ImageMap map = (i % 4) switch
            {
                0 => ImageMap.Letterbox(w, h, width, height),
                1 => ImageMap.Crop(w, h, width, height),
                _ => ImageMap.Stretch(w, h, width, height, alignCorners: i % 4 == 2),
            };
            (double x, double y) = (random.NextDouble() * w, random.NextDouble() * h);
            (double px, double py) = map.FromSource(x, y);
            (double backX, double backY) = map.ToSource(px, py);
            // A few roundings of float64 of coordinates up to 4000.
            Assert.That((Math.Abs(backX - x), Math.Abs(backY - y)), Is.LessThan((1e-9, 1e-9)));

            // What fits lies inside and touches two sides; what covers leaves nothing free. The rest is shared by both sides, and the aspect ratio is off by half a pixel at most.
            (int right, int bottom) = (width - map.Left - map.Width, height - map.Top - map.Height);
            if (i % 4 < 2)
            {
                Assert.That(i % 4 == 0 ? Math.Min(map.Left, right) : -Math.Max(map.Left, right), Is.Not.Negative);
                Assert.That(i % 4 == 0 ? Math.Min(map.Top, bottom) : -Math.Max(map.Top, bottom), Is.Not.Negative);
                Assert.That((Math.Abs(right) - Math.Abs(map.Left), Math.Abs(bottom) - Math.Abs(map.Top)), Is.AnyOf((0, 0), (1, 0), (0, 1)));
                double scale = map.Width == width ? (double)width / w : (double)height / h;
                Assert.That(Math.Max(Math.Abs(map.Width - (w * scale)), Math.Abs(map.Height - (h * scale))), Is.LessThanOrEqualTo(0.5 + 1e-9).Or.EqualTo(1 - (Math.Min(w, h) * scale)));
            }
            else Assert.That((map.Left, map.Top, right, bottom), Is.EqualTo((0, 0, 0, 0)));
        }
    }

    [Test]
    public void Stretch_AlignedCorners_MapsTheirCentres()
    {
        ImageMap map = ImageMap.Stretch(101, 51, 11, 26, alignCorners: true);
        Assert.That(map.ToSource(0.5, 0.5), Is.EqualTo((0.5, 0.5)));
        Assert.That(map.ToSource(10.5, 25.5), Is.EqualTo((100.5, 50.5)));
        Assert.That(map.FromSource(100.5, 50.5), Is.EqualTo((10.5, 25.5)));
        Assert.That(ImageMap.Stretch(9, 9, 1, 1, alignCorners: true).ToSource(0.5, 0.5), Is.EqualTo((0.5, 0.5)));
    }

    [TestCase(0, 1, 1, 1)]
    [TestCase(1, -1, 1, 1)]
    [TestCase(1, 1, 0, 1)]
    [TestCase(1, 1, 1, int.MinValue)]
    public void Sizes_MustBePositive(int sourceWidth, int sourceHeight, int width, int height)
    {
        Assert.That(() => ImageMap.Letterbox(sourceWidth, sourceHeight, width, height), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ImageMap.Crop(sourceWidth, sourceHeight, width, height), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ImageMap.Stretch(sourceWidth, sourceHeight, width, height), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
