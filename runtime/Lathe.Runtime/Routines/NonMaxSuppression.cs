namespace Lathe.Runtime.Routines;

/// <summary>
/// For each batch and class the boxes of the greatest scores of which none overlaps a chosen one too much. Operands: boxes (float32 [batch, box, 4]); scores
/// (float32 [batch, class, box]); then, each where it is given, how many of a class at most (int64), the greatest overlap and the score that boxes are above
/// (float32); rows of batch, class and box (int64, with room for all); their number (int64 scalar). Integers: the number of inputs; 1 if boxes are given by
/// center and size. Scratch: 16 bytes per box.
/// </summary>
internal static unsafe class NonMaxSuppression
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor boxes = call[0], scores = call[1];
        int inputs = (int)call.Integers[0];
        long batches = scores.Dims[0], classes = scores.Dims[1], count = scores.Dims[2];
        if (boxes.Dims[0] != batches || boxes.Dims[1] != count)
            throw call.Bad($"it has {boxes.Dims[0]} x {boxes.Dims[1]} boxes and scores for {batches} x {count}");
        long most = Given(2) ? *call[2].As<long>() : 0, found = 0;
        float overlap = Given(3) ? *call[3].As<float>() : 0, above = Given(4) ? *call[4].As<float>() : 0;
        bool isCentered = call.Integers[1] != 0;
        long* rows = call[inputs].As<long>(), items = (long*)call.Scratch, spare = items + count;
        for (long batch = 0; batch < batches && most > 0; batch++)
        {
            float* own = boxes.As<float>() + (batch * count * 4);
            for (long @class = 0; @class < classes; @class++)
            {
                long row = ((batch * classes) + @class) * count, candidates = 0, begin = found;
                for (long box = 0; box < count; box++)
                    if (!Given(4) || scores.As<float>()[row + box] > above) items[candidates++] = box;
                long* sorted = MergeSort.Run(items, spare, candidates, new ByScore(scores, row));
                for (long i = 0; i < candidates && found - begin < most; i++)
                {
                    Box box = new(own + (sorted[i] * 4), isCentered);
                    bool isFree = true;
                    for (long other = begin; other < found && isFree; other++)
                        isFree = !(box.Overlap(new Box(own + (rows[(other * 3) + 2] * 4), isCentered)) > overlap);
                    if (!isFree) continue;
                    (rows[found * 3], rows[(found * 3) + 1], rows[(found * 3) + 2]) = (batch, @class, sorted[i]);
                    found++;
                }
            }
        }

        *call[inputs + 1].As<long>() = found;

        bool Given(int input) => input < inputs && call.Has(input);
    }

    private readonly struct ByScore(RoutineTensor scores, long row) : IOrder
    {
        public int Compare(long a, long b) => scores.Key(row + b).CompareTo(scores.Key(row + a));
    }

    private readonly struct Box
    {
        private readonly float _top, _left, _bottom, _right;

        public Box(float* box, bool isCentered)
        {
            if (isCentered)
            {
                (_top, _bottom) = (box[1] - (box[3] / 2), box[1] + (box[3] / 2));
                (_left, _right) = (box[0] - (box[2] / 2), box[0] + (box[2] / 2));
                return;
            }

            (_top, _bottom) = (Math.Min(box[0], box[2]), Math.Max(box[0], box[2]));
            (_left, _right) = (Math.Min(box[1], box[3]), Math.Max(box[1], box[3]));
        }

        private float Area => (_bottom - _top) * (_right - _left);

        /// <summary>Intersection over union; boxes without area overlap nothing.</summary>
        public float Overlap(Box other)
        {
            float height = Math.Min(_bottom, other._bottom) - Math.Max(_top, other._top), width = Math.Min(_right, other._right) - Math.Max(_left, other._left);
            float intersection = Math.Max(0, height) * Math.Max(0, width), union = Area + other.Area - intersection;
            return Area > 0 && other.Area > 0 && union > 0 ? intersection / union : 0;
        }
    }
}
