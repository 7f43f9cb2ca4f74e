namespace Lathe.Runtime.Execution;

/// <summary>An accelerator failed, so that the CPU may do its work.</summary>
/// <param name="device">The accelerator's number in the plan.</param>
/// <param name="reason">The device's error.</param>
internal sealed class AcceleratorFailure(int device, LatheException reason) : Exception(reason.Message, reason)
{
    public int Device => device;

    public LatheException Reason => reason;

    /// <summary>True for errors of the device itself: data that do not fit fail on any.</summary>
    public static bool Is(LatheException error) => error.Id is ErrorIds.NoDevice or ErrorIds.DeviceFailed or ErrorIds.DeviceKernels or ErrorIds.DoesNotFit;
}
